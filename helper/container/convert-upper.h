/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../delta/convert.h"
#include "../config/spec.h"

/* The upper of an aufs or overlay spec, to be converted to the other whiteout format. */
struct convert_upper {
	const struct spec *spec;
	int dirfd; /* base directory of relative sources */
	enum whiteout_format to;
	bool lowest; /* its lowers are the whole lower part of the stack */
	/* NULL, or called for entries that are not representable, and with tell_all for all that is found. */
	void (*found)(struct convert_upper *upper, enum convert_kind kind, const char *path, const char *why);
	bool tell_all;
	bool clear;		     /* remove the leftovers of an interrupted conversion */
	const struct copy *progress; /* NULL, or whose tick and arg are called */
	void *arg;
	bool there, needed; /* set by convert_upper_look(): it exists; it needs a conversion */
	bool changed;	    /* set by convert_upper(): it has the new format */
	char *foreign, *inode;
};

/*
 * Test whether the upper can be converted. It needs no conversion if it does not exist yet, has the new format, or is
 * the same in both. Its lowers may have other users, so they must need none. Returns 0 or -errno (logged).
 */
int convert_upper_look(struct convert_upper *upper);
/* Convert the upper, and sync; remove the leftovers of an interrupted conversion. Returns 0 or -errno (logged). */
int convert_upper(struct convert_upper *upper);
/* Free the members that the functions above set. */
void convert_upper_clear(struct convert_upper *upper);
