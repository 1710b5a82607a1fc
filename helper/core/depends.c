/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * depends - lxc_rdepends and lxc_snapshots, two files of LXC's in a
 * container's directory: what it stands on, and what stands on it. Each has a
 * line with the lxcpath and a line with the name of every such container
 * (add_rdepends() and mod_rdep() in LXC's lxccontainer.c).
 */
#include "depends.h"
#include "cleanup.h"

#include <stdbool.h>

#define STANDS_ON  "lxc_rdepends"
#define STOOD_UPON "lxc_snapshots"

/* Call for each entry's directory, until it says true. */
static void each(const char *dir, const char *name, bool (*found)(char *entry, void *arg), void *arg)
{
	_cleanup_free_ char *path = xasprintf("%s/%s", dir, name), *lxcpath = NULL, *line = NULL;
	FILE *f = fopen(path, "re");
	size_t size = 0;
	bool done = false;

	while (f && !done && getline(&line, &size, f) > 0) {
		line[strcspn(line, "\n")] = '\0';
		if (!lxcpath) {
			lxcpath = xstrdup(line);
			continue;
		}
		done = found(xasprintf("%s/%s", lxcpath, line), arg);
		free(lxcpath);
		lxcpath = NULL;
	}
	if (f)
		(void)fclose(f);
}

static bool take_last(char *entry, void *arg)
{
	char **last = arg;

	free(*last);
	*last = entry;
	return false;
}

struct search {
	bool (*counts)(const char *clone);
	char *found;
};

/* Records of containers that were removed by hand count for nothing. */
static bool take_existing(char *entry, void *arg)
{
	struct search *search = arg;

	if (access(entry, F_OK) < 0 || (search->counts && !search->counts(entry))) {
		free(entry);
		return false;
	}
	search->found = entry;
	return true;
}

char *depends_on(const char *dir)
{
	char *last = NULL;

	each(dir, STANDS_ON, take_last, &last);
	return last;
}

char *depends_dependent(const char *dir, bool (*counts)(const char *clone))
{
	struct search search = { .counts = counts };

	each(dir, STOOD_UPON, take_existing, &search);
	return search.found;
}
