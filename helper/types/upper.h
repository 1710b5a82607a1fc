/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * upper - what overlay and aufs have in common: the directory that they write
 * to, the last source of their spec, and the trees below it.
 */
#pragma once

#include "../uses/claim.h"
#include "../stack/type.h"

/* Where an upper, or what belongs to it, comes to lie. */
struct upper {
	int cover;	 /* the tmpfs that it lies on (an index), or -1: on disk */
	char path[4096]; /* relative to that tmpfs, or as the spec has it */
};

/* The last source; "" for a union of the lowers alone, for which users have no word. */
char *upper_of(const struct spec *spec);

/* Decide whether `path` lies on disk or on a tmpfs of the stack. 0 or -errno (logged). */
int upper_place(const struct spec *spec, struct plan *plan, const char *path, struct upper *ret);

/*
 * The upper on disk; one that is to be made at the start: the directory that it will be in, and *ret_made. *ret_path
 * (may be NULL; for the caller to free): where it is, resolved. fd or -errno (logged).
 */
int upper_find(const struct spec *spec, const struct plan *plan, bool *ret_made, char **ret_path);

/* Its file system can be written to. 0 or -errno (logged). */
int upper_check_writable(const struct spec *spec, int fd);

/*
 * Append explicit lowers, as LXC and the kernel order them; below them what the stack holds, its last line uppermost.
 * 0 or -errno (logged); the caller closes them in both cases.
 */
int upper_open_lowers(const struct spec *spec, struct build *build, int **lowers, size_t *n);

/* Open the upper, making it with owner and mode of the lower that it covers. fd or -errno (logged). */
int upper_open(const struct spec *spec, struct build *build, const struct upper *upper, int lower);

/*
 * Claim a directory to write to (uses_claim_directory()). `source` is how the spec names it, `what` how messages do;
 * *ret_lock keeps others out until the mount is made. 0 or -errno (logged).
 */
int upper_claim(const struct spec *spec, struct build *build, enum directory_role role, int dir, int lower,
		const char *source, const char *what, int *ret_lock);

/* Copy lowers and upper, as far as they are the container's. 0 or -errno (logged). */
int upper_clone(const struct spec *spec, struct clone *clone);
