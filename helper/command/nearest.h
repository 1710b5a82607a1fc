/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>

/* A search for the known word nearest to `word`. Set `word` alone, then call nearest_offer() for each known word. */
struct nearest {
	const char *word; /* the mistyped word */
	const char *best; /* the nearest one; NULL: none is near */
	size_t distance;
};

/* Compare a known word; keep it if it is nearer than those before, and near enough for a typing error. */
void nearest_offer(struct nearest *nearest, const char *known);
