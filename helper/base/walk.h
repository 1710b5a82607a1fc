/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <dirent.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

/* A directory that a walk has entered: kept while it or one below it is walked, or a reference to it is held. */
struct walk_dir {
	struct walk_dir *parent; /* NULL: the top */
	size_t refs;
	struct statx st;
	unsigned int state; /* the walker's own; begins as its parent's */
	char **names;	    /* the directories in it that are yet to be walked */
	size_t n;
	char name[];
};

/*
 * A walk through a directory tree that may be hostile and changing: no link is followed, and it never leaves its top
 * nor the mount that the top is on. Only the current directory is open, however deep it is. The caller sets the members
 * before `top_fd`. Too big for the stack.
 */
struct walk {
	/* Called in each directory that was entered: look at its entries (walk_entries), and name the directories that
	 * are to be walked after it (walk_later). Returns 0, or -errno to end the walk. */
	int (*enter)(struct walk *walk);
	/* Called when all below the current directory was walked; may be NULL. Returns 0, or -errno to end the walk. */
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
 * Walk the tree at and below `top` (O_RDONLY or O_PATH directory). Returns 0; an error of enter or leave; -EXDEV: there
 * is a mount in the tree; -ESTALE: a directory was moved during the walk; or the -errno of a system call.
 */
int walk_tree(struct walk *walk, int top);

/* For enter: call entry() for each entry of the current directory but `.` and `..`, until it fails; then walk->error
 * names that entry. Returns 0 or -errno. */
int walk_entries(struct walk *walk, int (*entry)(struct walk *walk, const struct dirent64 *entry));
/* For enter: have this directory in the current one walked. The last one named comes first. */
void walk_later(struct walk *walk, const char *name);
/* Look at fd, which was opened in the tree. Returns 0, -EXDEV: it is on another mount, or another -errno. */
int walk_look(const struct walk *walk, int fd, struct statx *ret);
/* Set walk->error to this name in the current directory ("": the directory itself). Returns r. */
int walk_failed(struct walk *walk, const char *name, int r);
/* Make the path of a name in the current directory. Returns it relative to the top, for the caller to free. */
char *walk_path(const struct walk *walk, const char *name);

/* Make a device number of a statx. Returns it. */
unsigned long walk_device(const struct statx *st);

/* Take a reference to a directory, for walk_dir_open(), and give it back. */
struct walk_dir *walk_dir_ref(struct walk_dir *dir);
void walk_dir_unref(struct walk_dir *dir);
/* Open the same directory (O_PATH) in the tree below top, which may be a copy of the walked tree. Returns a descriptor
 * or -errno. */
int walk_dir_open(const struct walk_dir *dir, int top);
