/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "kind.h"

/* One thing that was done, or is about to be done. */
struct record {
	const struct record_kind *kind;
	unsigned int step; /* of the stack, from 1 on; 0: before the first */
	void *fields;	   /* the kind's struct; one allocation, its strings are others */
};

/* Make the line of a record, without a newline, for the caller to free. */
char *record_encode(const struct record_kind *kind, unsigned int step, const void *fields);

/*
 * Read a line, which is changed. 0; or -EBADMSG: its kind is unknown, or it has other fields than that. record_clear()
 * in both cases.
 */
int record_decode(char *line, struct record *ret);
void record_clear(struct record *record);
