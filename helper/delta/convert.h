/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../base/copy.h"
#include "delta.h"

#include <stdint.h>

/* What a conversion finds, each with its path relative to the delta. */
enum convert_kind {
	CONVERT_WHITEOUT, /* a whiteout, which is written in the other format */
	CONVERT_OPAQUE,	  /* an opaque directory, likewise */
	CONVERT_HIDDEN,	  /* not carried over: it is not visible (why) */
	CONVERT_FOREIGN,  /* not representable in the other format (why): nothing is converted */
	CONVERT_GHOST,	  /* a whiteout that hides nothing, in an opaque directory: not carried over */
	CONVERT_OWN,	  /* attributes of the format's own, without a meaning in the other: not carried over */
};

struct convert {
	struct delta from, to; /* see convert_begin() */
	const int *lowers;     /* the delta's lower layers, uppermost first, or none; for an opaque top directory */
	size_t nlowers;
	/* NULL, or called for all that is found. */
	void (*found)(struct convert *convert, enum convert_kind kind, const char *path, const char *why);
	void *arg;
	uint64_t counts[CONVERT_OWN + 1]; /* of each kind */
	struct copy copy;		  /* progress; error: where it failed */
};

/* Begin a conversion to a format. user: overlay's attributes, on either side, are user.overlay.*. */
void convert_begin(struct convert *convert, enum whiteout_format to, bool user);

/* Return the name of a whiteout format: "aufs" or "overlay". */
const char *convert_format_name(const struct delta *delta);

/*
 * Look through the delta at fd without changing anything. Returns 0; -EINVAL: something is not representable (all of it
 * was told to found()); or another -errno. If all counts are 0, the delta is the same in both formats.
 */
int convert_look(struct convert *convert, int fd);

/* Return 1 if the delta is to be looked through; 0: its top is marked with the new format, and nothing in it has the
 * old one; or -errno. */
int convert_wanted(const struct convert *convert, int fd);

/*
 * Write the delta at `from` in the other format into the empty directory `to`; link: with hard links to its files, on
 * the same mount. Call it after convert_look(). Returns 0 or -errno, and then a part of it is there.
 */
int convert_tree(struct convert *convert, int from, int to, bool link);
