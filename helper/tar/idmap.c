/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * idmap - a map between the IDs inside of a layer's tar or container and those on disk.
 */
#include "idmap.h"
#include "../base/cleanup.h"
#include "../base/log.h"

#include <ctype.h>
#include <limits.h>

/* Parse a number, and find its end. Returns -1: there is none, or it is too big for an ID. */
static long long number(const char **text)
{
	unsigned long long n;
	char *end;

	if (!isdigit((unsigned char)**text))
		return -1;
	errno = 0;
	n = strtoull(*text, &end, 10);
	*text = end;
	return errno || n > UINT_MAX ? -1 : (long long)n;
}

static bool shares(unsigned int a, unsigned int b, const struct idrange *x, const struct idrange *y)
{
	return a < (unsigned long long)b + y->count && b < (unsigned long long)a + x->count;
}

static bool same_kind(char a, char b)
{
	return a == b || a == 'b' || b == 'b';
}

int idmap_add(struct idmap *map, const char *text)
{
	struct idrange range = { .kind = *text };
	long long numbers[3] = { -1, -1, -1 };
	const char *at = text + 1;

	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		numbers[i] = *text && *at++ == ':' ? number(&at) : -1;
	/* The last id of all is no id: -1 means "as it is" to chown(2). */
	if (!strchr("ugb", *text) || numbers[0] < 0 || numbers[1] < 0 || numbers[2] <= 0 || *at ||
	    numbers[0] + numbers[2] > UINT_MAX || numbers[1] + numbers[2] > UINT_MAX)
		return log_refuse(-EMALFORMED, "idmap '%s': not (u|g|b):INSIDE:OUTSIDE:COUNT", text);
	range.inside = (unsigned int)numbers[0];
	range.outside = (unsigned int)numbers[1];
	range.count = (unsigned int)numbers[2];
	for (size_t i = 0; i < map->n; i++) {
		const struct idrange *other = &map->ranges[i];

		if (same_kind(range.kind, other->kind) && (shares(range.inside, other->inside, &range, other) ||
							   shares(range.outside, other->outside, &range, other)))
			return log_refuse(-EMALFORMED, "idmap '%s': has ids that are in another range", text);
	}
	*ARRAY_ADD(map->ranges, map->n) = range;
	return 0;
}

void idmap_clear(struct idmap *map)
{
	free(map->ranges);
	*map = (struct idmap){ 0 };
}

static bool look_up(const struct idmap *map, char kind, bool out, unsigned int id, unsigned int *ret)
{
	*ret = id;
	if (!map || !map->n)
		return true;
	for (size_t i = 0; i < map->n; i++) {
		const struct idrange *range = &map->ranges[i];
		unsigned int from = out ? range->inside : range->outside;

		if (!same_kind(kind, range->kind) || id < from || id - from >= range->count)
			continue;
		*ret = id - from + (out ? range->outside : range->inside);
		return true;
	}
	return false;
}

bool idmap_out(const struct idmap *map, char kind, unsigned int inside, unsigned int *ret)
{
	return look_up(map, kind, true, inside, ret);
}

bool idmap_in(const struct idmap *map, char kind, unsigned int outside, unsigned int *ret)
{
	return look_up(map, kind, false, outside, ret);
}
