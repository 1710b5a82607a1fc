/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../base/copy.h"
#include "delta.h"

#include <stdint.h>

/* What a conversion finds, each with its path relative to the delta. */
enum convert_kind {
	CONVERT_WHITEOUT, /* a removed name, said in the other form */
	CONVERT_OPAQUE,	  /* an opaque directory, likewise */
	CONVERT_HIDDEN,	  /* not carried over: nobody sees it (why) */
	CONVERT_FOREIGN,  /* cannot be said in the other form (why): nothing is converted */
	CONVERT_GHOST,	  /* a whiteout that takes nothing away, in an opaque directory: not carried over */
	CONVERT_OWN,	  /* attributes that are the form's own, and mean nothing in the other: not carried over */
};

struct convert {
	struct delta from, to; /* see convert_begin() */
	const int *lowers; /* what the delta lies on, uppermost first, or none; for the top directory being opaque */
	size_t nlowers;
	/* NULL, or called for all that is found. */
	void (*found)(struct convert *convert, enum convert_kind kind, const char *path, const char *why);
	void *arg;
	uint64_t counts[CONVERT_OWN + 1]; /* of each kind */
	struct copy copy;		  /* progress; error: where it failed */
};

/* Begin one: to that form, whose attributes, or those of the other, are user.overlay.*. */
void convert_begin(struct convert *convert, enum delta_form to, bool user);

/* "aufs" or "overlay". */
const char *convert_form(const struct delta *delta);

/*
 * Look through the delta at fd, change nothing. 0, -EINVAL when something is foreign (all of it was told to found()),
 * or another -errno. Are all counts 0, it is the same in both forms.
 */
int convert_look(struct convert *convert, int fd);

/* Whether to look: not when its top says that it has the new form already, and nothing in it the old. 1, 0 or -errno.
 */
int convert_wanted(const struct convert *convert, int fd);

/*
 * The delta at `from`, in the other form, into the empty directory `to`; link: with the same files, on the same mount.
 * To be called after convert_look(). 0 or -errno; then part of it is there.
 */
int convert_tree(struct convert *convert, int from, int to, bool link);
