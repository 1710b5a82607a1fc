/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * claim - take an image, a directory or a container for a stack: record it and lock it, look again, ask the kernel. Who
 * has it already is found by record/uses.h.
 */
#pragma once

#include "../config/spec.h"
#include "../record-kinds/directory.h"
#include "../record/uses.h"

/*
 * Claim an open image, called `name` in messages: record it, and lock it as image_lock() says, or say who has it. 0 or
 * -errno (logged).
 */
int uses_claim_image(const struct spec *spec, struct journal *journal, int image, const char *name, bool readonly,
		     bool served, int wait_ms, bool *ret_shared);

/* A directory that a stack is to show or to write to. */
struct uses_directory {
	const struct spec *spec; /* for whom, in messages */
	enum directory_role role;
	int dir;
	int dirfd; /* where `source`, as the spec names it, is looked up once more */
	const char *source;
	const char *what; /* "upper 'NAME'", in messages */
	int lower;	  /* of an upper: a directory below it, for the kernel to be asked */
	int wait_ms;
};

/*
 * Claim a directory: lock it, so that nobody converts it; look whether it is still in its place; of one to write to,
 * ask the kernel whether another union writes to it; record it. *ret_lock (NULL for a lower) keeps others out until the
 * mount is made. 0 or -errno (logged).
 */
int uses_claim_directory(const struct uses_directory *claim, struct journal *journal, int *ret_lock);

/*
 * Record a view of the container in dir, or that its stack is written to, and then look for the opposite: of a view and
 * a writer that come concurrently, at least one sees the other. 1: *ret_user, for the caller to free, is in the way; 0;
 * or -errno (logged, or *ret_user says what is not known).
 */
int uses_claim_container(struct journal *journal, const char *dir, enum claim_mode mode, char **ret_user);
