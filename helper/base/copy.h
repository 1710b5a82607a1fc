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
 * Copy the contents of a regular file into an empty one: as shared blocks where the file system can, else as data
 * without holes. The copy has the size of the source. Returns 0 or -errno.
 */
int copy_file(int from, int to, struct copy *copy);

/*
 * Copy the directory tree below `from` into the empty directory `to` (both O_RDONLY|O_DIRECTORY) with owners, modes,
 * times, extended attributes, links within the tree, holes and devices; also the top directory's attributes. The tree's
 * author may be hostile and change it at the same time: no link is followed, and only regular files are opened. Changes
 * the umask while it runs. Returns 0; -EXDEV: there is a mount in the tree; -ELOOP: `to` is in the tree; or another
 * -errno. After a failure part of the copy exists.
 */
int copy_tree(int from, int to, struct copy *copy);

/* A copy in another whiteout format: whiteouts and opaque marks are not copied as they are (delta/convert.c). */
struct copy_form {
	/* Called when the walk enters a directory, whose copy is `to`: call copy_keep() for each entry that the copy is
	 * to have, and make in `to` what else it needs. Returns 0 or -errno. */
	int (*enter)(struct copy_form *form, struct walk *walk, int to);
	/* Returns whether the copy gets this extended attribute. */
	bool (*keeps)(const struct copy_form *form, const char *xattr);
	bool link;  /* link files into the copy, which is on the same mount, instead of copying them */
	bool merge; /* directories may exist already: they get the tree's entries and attributes */
	void *arg;
};
/* Copy a tree as copy_tree() does, in this format. Returns the same. */
int copy_tree_as(int from, int to, struct copy *copy, struct copy_form *form);
/* For enter(): have this entry of the current directory copied. Returns 0 or -errno. */
int copy_keep(struct walk *walk, const char *name, unsigned char type);

/* The way contents go from one file system to another: a method that failed is not tried again. */
struct copy_way {
	struct copy *copy;
	bool no_clone, no_range;
	char *buffer; /* of COPY_BUFFER bytes */
};
#define COPY_BUFFER (256U << 10)

/* Copy contents, of which so many bytes are allocated, in this way. Returns 0 or -errno. */
int copy_contents(struct copy_way *way, int from, int to, uint64_t size, uint64_t allocated);
/* Count so much more as copied, and call tick(). Returns 0, or -errno: the copy is to end. */
int copy_progress(struct copy *copy, uint64_t bytes, uint64_t files);
