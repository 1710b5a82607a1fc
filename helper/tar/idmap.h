/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* A map between the IDs inside (of a tar, of a container) and those on disk. */
struct idmap {
	struct idrange {
		char kind; /* 'u', 'g' or 'b': both */
		unsigned int inside, outside, count;
	} * ranges;
	size_t n; /* 0: they are the same */
};

/* Add a range, as of lxc.idmap with colons: "u:0:100000:65536"; `b` is for both. Returns 0 or -EINVAL (logged). */
int idmap_add(struct idmap *map, const char *text);
/* Free its ranges. */
void idmap_clear(struct idmap *map);

/* Map an ID inside to the one on disk. Returns false: it is not mapped. */
bool idmap_out(const struct idmap *map, char kind, unsigned int inside, unsigned int *ret);
/* Map an ID on disk to the one inside. Returns false: it is not mapped. */
bool idmap_in(const struct idmap *map, char kind, unsigned int outside, unsigned int *ret);
