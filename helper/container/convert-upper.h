/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../delta/convert.h"
#include "../config/spec.h"

/* What a spec of aufs or overlay writes to, to be converted to the other form. */
struct convert_upper {
	const struct spec *spec;
	int dirfd; /* where its relative sources are */
	enum whiteout_format to;
	bool lowest; /* nothing is below it but the lowers that it names */
	/* NULL, or called for what is foreign, and with tell_all for all that is found. */
	void (*found)(struct convert_upper *upper, enum convert_kind kind, const char *path, const char *why);
	bool tell_all;
	bool clear;		     /* remove what an interrupted one has left */
	const struct copy *progress; /* NULL, or whose tick and arg are called */
	void *arg;
	bool there, needed; /* convert_upper_look(): it exists; there is something to convert */
	bool changed;	    /* convert_upper(): it has the new form */
	char *foreign, *inode;
};

/*
 * Can it be converted? That is not needed when it is not there yet, has the new form, or is the same in both. Its
 * lowers may belong to others too, so they must be like that. 0 or -errno (logged).
 */
int convert_upper_look(struct convert_upper *upper);
/* Convert it, and sync; remove what an interrupted one has left. 0 or -errno (logged). */
int convert_upper(struct convert_upper *upper);
void convert_upper_clear(struct convert_upper *upper);
