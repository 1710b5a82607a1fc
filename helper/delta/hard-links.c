/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hard-links - files with several names. The note of a file is freed with its last
 * name, so memory is bounded by the files of which names are still to come.
 */
#include "hard-links.h"
#include "../base/cleanup.h"
#include "../base/walk.h"

#include <search.h>
#include <stdint.h>

struct link {
	uint64_t dev, ino;
	unsigned int left; /* names that are still to come */
	char *path;
};

static int compare(const void *a, const void *b)
{
	const struct link *x = a, *y = b;

	return x->ino != y->ino ? (x->ino < y->ino ? -1 : 1) : (x->dev > y->dev) - (x->dev < y->dev);
}

static void link_free(void *p)
{
	struct link *link = p;

	free(link->path);
	free(link);
}

bool links_met(struct links *links, const struct statx *st, const char *path, char **ret_first)
{
	struct link *link = xcalloc(1, sizeof(*link)), *known;

	link->dev = walk_device(st);
	link->ino = st->stx_ino;
	known = *(struct link **)must(tsearch(link, &links->root, compare));
	if (known == link) {
		link->left = st->stx_nlink - 1;
		link->path = ret_first && path ? xstrdup(path) : NULL;
		return false;
	}
	free(link);
	if (ret_first)
		*ret_first = xstrdup(known->path);
	if (--known->left == 0) {
		(void)tdelete(known, &links->root, compare);
		link_free(known);
	}
	return true;
}

void links_clear(struct links *links)
{
	tdestroy(links->root, link_free);
	links->root = NULL;
}
