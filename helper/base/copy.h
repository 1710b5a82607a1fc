/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "walk.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

/* What is being copied, and how far it is. */
struct copy {
	uint64_t bytes, files; /* written so far */
	/* NULL, or called now and then (each file, each few MiB): 0, or -errno to end the copy. */
	int (*tick)(struct copy *copy);
	void *arg;
	char error[PATH_MAX]; /* after a failure: which file of the tree, relative to it ("" the root itself) */
};

/*
 * The contents of a regular file, into an empty one: shared blocks where the file system can, else its data without
 * its holes. Nothing of a hole is written. Size is that of the source. 0 or -errno.
 */
int copy_file(int from, int to, struct copy *copy);

/*
 * The directory tree below `from` into the empty directory `to` (both O_RDONLY|O_DIRECTORY), with everything: owner,
 * mode, times, extended attributes, links within the tree, holes, devices; the top directory's attributes too. Whoever
 * wrote the tree may be hostile and at work: nothing is followed, nothing but regular files is opened. -EXDEV: a mount
 * below. -ELOOP: `to` is in the tree. Changes the umask meanwhile. 0 or -errno; then part of it is there.
 */
int copy_tree(int from, int to, struct copy *copy);

/* The same in another form: what says that names were removed is not copied as it is (delta/convert.c). */
struct copy_form {
	/* The walk entered a directory whose copy is `to`: copy_keep() what the copy is to have of it, make in `to`
	 * what else there is to be. 0 or -errno. */
	int (*enter)(struct copy_form *form, struct walk *walk, int to);
	/* Whether the copy has this extended attribute. */
	bool (*keeps)(const struct copy_form *form, const char *xattr);
	bool link;  /* give the same files names in the copy, which is on the same mount */
	bool merge; /* directories may be there already: they get what the tree has, and its attributes */
	void *arg;
};
int copy_tree_as(int from, int to, struct copy *copy, struct copy_form *form);
int copy_keep(struct walk *walk, const char *name, unsigned char type);

/* How contents go from one file system to another; what does not work is not tried again. For copy_tree. */
struct copy_way {
	struct copy *copy;
	bool no_clone, no_range;
	char *buffer; /* of COPY_BUFFER bytes */
};
#define COPY_BUFFER (256U << 10)

int copy_contents(struct copy_way *way, int from, int to, uint64_t size, uint64_t allocated);
/* So much more is done. 0, or -errno: it is to end here. */
int copy_progress(struct copy *copy, uint64_t bytes, uint64_t files);
