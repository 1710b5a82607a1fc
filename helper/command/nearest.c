/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * nearest - find the known word nearest to a mistyped one.
 *
 * The distance of two words is the number of letters that are missing, added, wrong, or exchanged with their neighbour.
 */
#include "nearest.h"
#include "../base/cleanup.h"

#define LONGEST 32 /* no verb or option is longer */

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

static size_t distance(const char *a, const char *b)
{
	size_t rows[3][LONGEST + 1], na = strlen(a), nb = strlen(b);

	if (na > LONGEST || nb > LONGEST)
		return LONGEST;
	for (size_t j = 0; j <= nb; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= na; i++) {
		size_t *row = rows[i % 3], *above = rows[(i + 2) % 3], *before = rows[(i + 1) % 3];

		row[0] = i;
		for (size_t j = 1; j <= nb; j++) {
			size_t changed = above[j - 1] + (a[i - 1] != b[j - 1]);

			row[j] = smaller(changed, smaller(above[j], row[j - 1]) + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				row[j] = smaller(row[j], before[j - 2] + 1);
		}
	}
	return rows[na % 3][nb];
}

void nearest_offer(struct nearest *nearest, const char *known)
{
	size_t n = distance(nearest->word, known);

	if (n > (strlen(nearest->word) + 2) / 3 || (nearest->best && n >= nearest->distance))
		return;
	nearest->best = known;
	nearest->distance = n;
}
