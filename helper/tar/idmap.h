/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Ids of a layer as others write them (a tar, a container), and as they are on disk. */
struct idmap {
	struct idrange {
		char kind; /* 'u', 'g' or 'b': both */
		unsigned int inside, outside, count;
	} * ranges;
	size_t n; /* 0: they are the same */
};

/* Add a range as lxc.idmap has it, with colons: "u:0:100000:65536"; `b` is for both. 0, or -EINVAL (logged). */
int idmap_add(struct idmap *map, const char *text);
void idmap_clear(struct idmap *map);

/* The id on disk of one inside, and the other way. false: it has none. */
bool idmap_out(const struct idmap *map, char kind, unsigned int inside, unsigned int *ret);
bool idmap_in(const struct idmap *map, char kind, unsigned int outside, unsigned int *ret);
