/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../delta/delta.h"
#include "idmap.h"

#include <stdint.h>

/* A layer becoming a tar (OCI layer): equal for equal layers. */
struct totar {
	struct delta delta;
	bool merged;	   /* `from` is a mount that shows a whole tree: nothing in it says what was removed */
	const int *lowers; /* the layers below, nearest first: what is opaque over nothing is not said to be */
	size_t nlowers;
	const struct idmap *idmap;
	int64_t epoch;	  /* no time is later than this (SOURCE_DATE_EPOCH); -1: as they are */
	uint64_t skipped; /* result: sockets, which a tar cannot have */
};

/* Write the layer at `from` to `output`, sorted. 0, or -errno after one error line that names the file; then what was
 * written is no tar. */
int totar(struct totar *totar, int from, int output);
