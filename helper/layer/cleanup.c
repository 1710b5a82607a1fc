/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tidy - what a store has that no one needs: mounts that nobody holds, and
 * parts of layers that were never made, or are no more.
 */
#include "cleanup.h"
#include "../base/cleanup.h"
#include "../base/log.h"
#include "holders.h"
#include "users.h"
#include "mounts.h"

#include <fcntl.h>
#include <sys/stat.h>

const char *const tidy_dirs[] = { "diff", STORE_WORK, STORE_INFO, STORE_HOLDERS, "mnt", NULL };

int tidy_is_lost(const struct store *store, const char *id)
{
	_cleanup_free_ char *diff = xasprintf("diff/%s", id), *info = xasprintf(STORE_INFO "/%s", id), *child = NULL;
	struct stat st;
	int r;

	if (!store_is_id(id))
		return 0;
	r = store_has(store, id);
	if (r)
		return r < 0 ? r : 0;
	r = store_look(store, diff, &st);
	if (r <= 0 || !S_ISDIR(st.st_mode))
		return r < 0 ? r : 0;
	return store_look(store, info, NULL) ?: store_child(store, id, &child);
}

int tidy_is_stray(const struct store *store, const char *dir, const char *name)
{
	struct inuse inuse;
	int r = store_is_id(name) ? store_has(store, name) ?: tidy_is_lost(store, name) : 0;

	if (r)
		return r < 0 ? r : 0;
	/* A mount point that others use is not ours to take away. */
	if (strcmp(dir, "mnt") == 0 || strcmp(dir, "diff") == 0 || strcmp(dir, STORE_WORK) == 0) {
		r = inuse_look(store, name, true, &inuse);
		return r < 0 ? r : !inuse.mounted && !inuse.elsewhere && !inuse.shown;
	}
	return 1;
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
		s = holders_living(store, names[i], true, &living, &m);
		if (s == 0 && !m)
			s = mounts_unmount(store, names[i]);
		strings_free(living, m);
		/* The others, too. */
		r = r ?: s;
		s = 0;
	}
	strings_free(names, n);
	return r ?: s;
}

/* Files are written with the lock, so one that is there now was left by a process that was killed. 0 or -errno
 * (logged). */
static int remove_temps(const struct store *store)
{
	static const char *const names[] = { STORE_TEMP, "layers/" STORE_TEMP, STORE_INFO "/" STORE_TEMP };
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (unlinkat(store->fd, names[i], 0) < 0 && errno != ENOENT)
			r = log_errno(-errno, "remove '%s/%s'", store->dir, names[i]);
	return r;
}

int tidy(struct store *store)
{
	int r = store_lock(store), temps;

	if (r < 0)
		return r;
	temps = remove_temps(store);
	r = unmount_unheld(store) ?: temps;
	for (size_t i = 0; tidy_dirs[i]; i++) {
		char **names;
		size_t n;
		int s = store_list(store, tidy_dirs[i], &names, &n);

		for (size_t k = 0; s == 0 && k < n; k++) {
			s = tidy_is_stray(store, tidy_dirs[i], names[k]);
			if (s > 0)
				s = tidy_stray(store, tidy_dirs[i], names[k]);
		}
		strings_free(names, n);
		r = r ?: s;
	}
	store_unlock(store);
	return r;
}
