/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "kind.h"

/* One act that was done or is about to be done. */
struct record {
	const struct record_kind *kind;
	unsigned int step; /* the step of the stack, from 1 on; 0: before the first */
	void *fields;	   /* the kind's struct; its strings are allocated separately */
};

/* Return the line of a record, without a newline, for the caller to free. */
char *record_encode(const struct record_kind *kind, unsigned int step, const void *fields);

/*
 * Parse a line, which is modified. Returns 0, or -EBADMSG: the kind is unknown, or the fields are not those of the
 * kind. record_clear() follows in both cases.
 */
int record_decode(char *line, struct record *ret);
/* Free the fields of a record. */
void record_clear(struct record *record);
