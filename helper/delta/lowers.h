/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * lowers - look up names in the lower layers as the kernel does: one name of a path after the other, without following
 * symlinks.
 */
#pragma once

#include "../base/walk.h"
#include "delta.h"

/* The lower layers. */
struct lowers {
	const struct delta *delta;
	const int *fds; /* nearest first */
	size_t n;
};

/* A directory of the lower layers, merged from those that have it, nearest first. None: there is no such directory. */
struct merged_dir {
	struct merged_part {
		int fd;	   /* open for reading */
		bool exes; /* overlay: some files in it may be whiteouts */
	} * parts;
	size_t n;
};

/* Open the top directory. Returns 0 or -errno; merged_dir_clear() in both cases, as for the next two. */
int lowers_top(const struct lowers *lowers, struct merged_dir *ret);
/* Open the directory `name` in another. */
int lowers_enter(const struct lowers *lowers, const struct merged_dir *at, const char *name, struct merged_dir *ret);
/* Open the directory of the path that a walk of another tree has come to. */
int lowers_open(const struct lowers *lowers, const struct walk_dir *dir, struct merged_dir *ret);
/* Close and free a merged directory. */
void merged_dir_clear(struct merged_dir *dir);

/* Find a name in a merged directory. Returns 1; 0: it is not visible; or -errno. */
int lowers_find(const struct lowers *lowers, const struct merged_dir *at, const char *name, struct statx *ret);

/* Return 1 if a directory of a delta has a whiteout of `name`, in whichever way it is written; 0; or -errno. */
int lowers_is_whiteout(const struct delta *delta, const struct merged_part *part, const char *name, struct statx *st);
/* Set the kind of an entry of the directory at fd as this whiteout format alone sees it: a whiteout, a directory or a
 * file. For entries that are not representable in the other format only. Returns 0 or -errno. */
int lowers_set_kind(const struct delta *delta, int fd, struct delta_entry *entry);
