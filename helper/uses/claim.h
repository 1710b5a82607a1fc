/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * claim - reserve an image, a directory or a container for a stack: record it and lock it, check it again, ask the
 * kernel. record/uses.h finds the holder.
 */
#pragma once

#include "../config/spec.h"
#include "../record-kinds/directory.h"
#include "../record/uses.h"

/*
 * Claim an open image, called `name` in messages: record it, and lock it with image_lock(); a refusal names the holder.
 * Returns 0 or -errno (logged).
 */
int uses_claim_image(const struct spec *spec, struct journal *journal, int image, const char *name, bool readonly,
		     bool served, int wait_ms, bool *ret_shared);

/* A directory that a stack will read or write. */
struct uses_directory {
	const struct spec *spec; /* the spec that needs it, for messages */
	enum directory_role role;
	int dir;
	int dirfd; /* to look up `source`, as the spec names it, once more */
	const char *source;
	const char *what; /* "upper 'NAME'", for messages */
	int lower;	  /* of an upper: a lower, for the test overlay that asks the kernel */
	int wait_ms;
};

/*
 * Claim a directory: lock it, which excludes conversions; check that its path is unchanged; for a writable directory,
 * ask the kernel whether another union writes to it; record it. *ret_lock (NULL for a lower) excludes others until the
 * mount is made. Returns 0 or -errno (logged).
 */
int uses_claim_directory(const struct uses_directory *claim, struct journal *journal, int *ret_lock);

/*
 * Record a view of the container in dir, or a writer of its stack, and then look for the opposite: of a concurrent view
 * and writer, at least one finds the other. Returns 1: *ret_user, for the caller to free, excludes this use; 0; or
 * -errno (logged, or *ret_user says what is unknown).
 */
int uses_claim_container(struct journal *journal, const char *dir, enum claim_mode mode, char **ret_user);
