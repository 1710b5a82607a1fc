/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * upper - the common part of overlay and aufs: the upper, which is the last
 * source of their spec, and the lower layers.
 */
#pragma once

#include "../uses/claim.h"
#include "../stack/type.h"

/* The place of an upper or a work directory. */
struct upper {
	int cover;	 /* its tmpfs, an index into the plan's covers; -1: on disk */
	char path[4096]; /* relative to that tmpfs; or as in the spec */
};

/* Return the upper of the spec, its last source; "" for an internal spec that merges lower layers without an upper. */
char *upper_of(const struct spec *spec);

/* Find out whether an upper or work directory is on disk or on a tmpfs of the stack. Returns 0 or -errno (logged). */
int upper_place(const struct spec *spec, struct plan *plan, const char *path, struct upper *ret);

/*
 * Open an upper on disk or, if the start has to make it, its parent; *ret_made tells which. *ret_path (may be NULL; for
 * the caller to free) is the upper's resolved path. Returns the fd or -errno (logged).
 */
int upper_find(const struct spec *spec, const struct plan *plan, bool *ret_made, char **ret_path);

/* Check that the upper's file system is writable. Returns 0 or -errno (logged). */
int upper_check_writable(const struct spec *spec, int fd);

/*
 * Append all lower layers, the uppermost first: the lowers of the source, then the trees of the stack, its last line
 * first. Returns 0 or -errno (logged); the caller closes them in both cases.
 */
int upper_open_lowers(const struct spec *spec, struct build *build, int **lowers, size_t *n);

/* Open the upper; if it does not exist, make it with the owner and mode of the topmost lower layer. Returns the fd or
 * -errno (logged). */
int upper_open(const struct spec *spec, struct build *build, const struct upper *upper, int lower);

/*
 * Claim a directory for writing by uses_claim_directory(). source is its name in the spec, what its name in messages.
 * *ret_lock keeps other users out until the mount is made. Returns 0 or -errno (logged).
 */
int upper_claim(const struct spec *spec, struct build *build, enum directory_role role, int dir, int lower,
		const char *source, const char *what, int *ret_lock);

/* Copy the lowers and the upper that belong to the container. Returns 0 or -errno (logged). */
int upper_clone(const struct spec *spec, struct clone *clone);
