/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * number - numbers and sizes that a user writes.
 */
#include "number.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

int number_parse(const char *text, const char *units, uint64_t max, uint64_t *ret)
{
	unsigned long long n;
	unsigned int shift = 0;
	const char *unit;
	char *end;

	if (!isdigit((unsigned char)*text))
		return -EINVAL;
	errno = 0;
	n = strtoull(text, &end, 10);
	if (*end) {
		unit = strchr(units, toupper((unsigned char)*end));
		if (!unit || end[1])
			return -EINVAL;
		shift = 10 * (unsigned int)(unit - units + 1);
	}
	if (errno == ERANGE || n > max >> shift)
		return -ERANGE;
	*ret = (uint64_t)n << shift;
	return 0;
}
