/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

/* The tree that becomes a tar. */
struct tartree {
	int fd;
	bool nodev; /* fd is a clone of the tree, in which devices cannot be opened */
	int proc;   /* /proc/self/fd */
};

/* Prepare to read the tree at `from`, which stays the caller's. Returns 0 or -errno; tartree_close() in both cases. */
int tartree_open(struct tartree *tree, int from);
/* Release what tartree_open() has opened. */
void tartree_close(struct tartree *tree);
/* Open a name of the directory `dir` that readdir(3) reports to be a regular file. Returns a descriptor; -ESTALE: it is
 * none any more; or another -errno. Where devices cannot be opened, the file may still be something else. */
int tartree_open_file(const struct tartree *tree, int dir, const char *name);
