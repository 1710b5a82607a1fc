/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * lowers - what the layers below show at a path, as the kernel would show it:
 * looked up one name after the other, following nothing.
 */
#pragma once

#include "delta.h"
#include "../base/walk.h"

struct below {
	const struct delta *delta;
	const int *lowers; /* nearest first */
	size_t n;
};

/* The directories that are merged to one, nearest first. None: no directory is seen there. */
struct below_dir {
	struct below_part {
		int fd;	   /* open for reading */
		bool exes; /* overlay: some files in it may be whiteouts */
	} * parts;
	size_t n;
};

/* The top directory. 0 or -errno; below_dir_clear() in both cases, as for the next two. */
int below_top(const struct below *below, struct below_dir *ret);
/* The directory `name` in another. */
int below_enter(const struct below *below, const struct below_dir *at, const char *name, struct below_dir *ret);
/* The one of the path that a walk came to elsewhere. */
int below_open(const struct below *below, const struct walk_dir *dir, struct below_dir *ret);
void below_dir_clear(struct below_dir *dir);

/* What is seen of this name in it: 1, 0 (nothing) or -errno. */
int below_find(const struct below *below, const struct below_dir *at, const char *name, struct statx *ret);

/* In a directory of a delta: a whiteout, however it is said (its name is without the form's prefix). 1, 0 or -errno. */
int below_is_whiteout(const struct delta *delta, const struct below_part *part, const char *name, struct statx *st);
/* The directory as a part of a layer, for the call above; takes nothing over. 0 or -errno. */
int below_part(const struct delta *delta, int fd, struct below_part *ret);
/* Set the kind of an entry of the directory at fd as this whiteout format alone sees it: a whiteout, a directory or a
 * file. For entries that are foreign only to the other format. Returns 0 or -errno. */
int below_set_kind(const struct delta *delta, int fd, struct delta_entry *entry);
