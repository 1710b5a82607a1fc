/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../base/copy.h"
#include "../delta/delta.h"
#include "idmap.h"

#include <stdint.h>

/* A conversion of a layer to a tar (OCI layer), which is equal for equal layers. */
struct totar {
	struct delta delta;
	bool merged; /* `from` is a mount with the whole tree: there are no whiteouts in it */
	const int
		*lowers; /* the lower layers, nearest first: a directory that hides nothing is not opaque in the tar */
	size_t nlowers;
	const struct idmap *idmap;
	int64_t epoch;	       /* no time is later than this (SOURCE_DATE_EPOCH); -1: as they are */
	struct copy *progress; /* how far it is, or NULL */
	uint64_t skipped;      /* result: sockets, which a tar cannot have */
};

/* Write the layer at `from` to `output`, sorted. Returns 0; or -errno after one error line that names the file, and
 * then what was written is no tar. */
int totar(struct totar *totar, int from, int output);
