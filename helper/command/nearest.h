/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>

/* Find the nearest to what was meant. It begins empty; nearest_offer() each word that is known. */
struct nearest {
	const char *word; /* what was written */
	const char *best; /* NULL: nothing is near */
	size_t distance;
};

/* Compare a known word; keep it if it is nearer than those before, and near enough to be a typing error. */
void nearest_offer(struct nearest *nearest, const char *known);
