/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tidy - what a store has that no one needs: mounts that nobody holds, and
 * parts of layers that were never made, or are no more.
 */
#include "tidy.h"
#include "../core/cleanup.h"
#include "holders.h"
#include "inuse.h"
#include "mounts.h"

#include <fcntl.h>
#include <sys/stat.h>

const char *const tidy_dirs[] = { "diff", STORE_WORK, STORE_INFO, STORE_HOLDERS, "mnt", NULL };

bool tidy_is_lost(const struct store *store, const char *id)
{
	_cleanup_free_ char *diff = xasprintf("diff/%s", id), *info = xasprintf(STORE_INFO "/%s", id), *child = NULL;
	struct stat st;

	if (!store_is_id(id) || store_has(store, id) || fstatat(store->fd, diff, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
	    !S_ISDIR(st.st_mode))
		return false;
	if (faccessat(store->fd, info, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return true;
	child = store_child(store, id);
	return child;
}

bool tidy_is_stray(const struct store *store, const char *dir, const char *name)
{
	struct inuse inuse;

	if (store_is_id(name) && (store_has(store, name) || tidy_is_lost(store, name)))
		return false;
	/* A mount point that others use is not ours to take away. */
	if (strcmp(dir, "mnt") == 0 || strcmp(dir, "diff") == 0 || strcmp(dir, STORE_WORK) == 0) {
		inuse_look(store, name, true, &inuse);
		return !inuse.mounted && !inuse.elsewhere && !inuse.shown;
	}
	return true;
}

int tidy_stray(const struct store *store, const char *dir, const char *name)
{
	return store_bury(store, dir, name);
}

static int unmount_unheld(const struct store *store)
{
	char **names, **living;
	int r = 0, s;
	size_t n, m;

	s = store_list(store, "mnt", &names, &n);
	for (size_t i = 0; i < n; i++) {
		if (!store_is_id(names[i]))
			continue;
		if (holders_living(store, names[i], true, &living, &m) == 0)
			s = mounts_unmount(store, names[i]);
		strings_free(living, m);
		/* The others, too. */
		r = r ?: s;
		s = 0;
	}
	strings_free(names, n);
	return r ?: s;
}

int tidy(struct store *store)
{
	int r = store_lock(store);

	if (r < 0)
		return r;
	r = unmount_unheld(store);
	for (size_t i = 0; tidy_dirs[i]; i++) {
		char **names;
		size_t n;
		int s = store_list(store, tidy_dirs[i], &names, &n);

		for (size_t k = 0; s == 0 && k < n; k++)
			if (tidy_is_stray(store, tidy_dirs[i], names[k]))
				s = tidy_stray(store, tidy_dirs[i], names[k]);
		strings_free(names, n);
		r = r ?: s;
	}
	store_unlock(store);
	return r;
}
