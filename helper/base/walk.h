/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <dirent.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

/* A directory on the way of a walk: kept while it or one below it is being walked, or somebody holds it. */
struct walk_dir {
	struct walk_dir *parent; /* NULL: the top */
	size_t refs;
	struct statx st;
	unsigned int state; /* the walker's own; begins as its parent's */
	char **names;	    /* the directories in it that are still to be walked */
	size_t n;
	char name[];
};

/*
 * A walk through a directory tree that may be hostile and changing: nothing is followed, and it never leaves its top
 * nor the mount that this is on. Only the current directory is open, however deep it is. First set what is before
 * `top_fd`; it is big, so not for the stack.
 */
struct walk {
	/* The current directory was just entered. Look at what it has (walk_entries), and say with walk_later() which
	 * directories in it are to be walked after it. 0, or -errno to end. */
	int (*enter)(struct walk *walk);
	/* All below the current directory was walked; NULL: nothing to do. 0, or -errno to end. */
	int (*leave)(struct walk *walk);
	void *arg;
	int top_fd;	       /* as given */
	struct statx top;      /* of it */
	int fd;		       /* the current directory, O_RDONLY */
	int up;		       /* for leave: the directory above it, checked to be the one it was entered from; of the
				* top, -EBADF */
	struct walk_dir *here; /* the same */
	char error[PATH_MAX];  /* after a failure: where, relative to the top ("" the top itself) */
	char entries[64 << 10];
};

/*
 * Walk the tree below and at `top` (O_RDONLY or O_PATH directory). 0 or -errno: that of enter or leave; -EXDEV: there
 * is a mount in it; -ESTALE: somebody moved a directory meanwhile; and what the system calls return.
 */
int walk_tree(struct walk *walk, int top);

/* For enter: call for each entry of the current directory but `.` and `..`, until it fails; then walk->error names it.
 * 0 or -errno. */
int walk_entries(struct walk *walk, int (*entry)(struct walk *walk, const struct dirent64 *entry));
/* For enter: this directory in the current one is to be walked. The last one named comes first. */
void walk_later(struct walk *walk, const char *name);
/* What is at fd, which is of the tree: 0, or -EXDEV when it is on another mount, or another -errno. */
int walk_look(const struct walk *walk, int fd, struct statx *ret);
/* Say in walk->error that it is this name in the current directory ("" itself) that failed; r. */
int walk_failed(struct walk *walk, const char *name, int r);
/* That name relative to the top, for the caller to free. */
char *walk_path(const struct walk *walk, const char *name);

/* The device number of a statx. */
unsigned long walk_device(const struct statx *st);

/* Keep a directory, for walk_dir_open(); let it go. */
struct walk_dir *walk_dir_ref(struct walk_dir *dir);
void walk_dir_unref(struct walk_dir *dir);
/* Open the same directory (O_PATH) in the tree below top, which may be a copy of the one walked. fd or -errno. */
int walk_dir_open(const struct walk_dir *dir, int top);
