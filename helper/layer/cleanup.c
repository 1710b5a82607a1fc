/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cleanup - unmount layers without a holder, and remove leftovers: parts of layers
 * that were never recorded, or are not any more.
 */
#include "cleanup.h"
#include "metadata.h"
#include "staging.h"
#include "../base/cleanup.h"
#include "../base/log.h"
#include "holders.h"
#include "users.h"
#include "mounts.h"

#include <fcntl.h>
#include <sys/stat.h>

const char *const cleanup_dirs[] = { "diff", STORE_WORK, STORE_INFO, STORE_HOLDERS, "mnt", NULL };

int cleanup_is_leftover(const struct store *store, const char *dir, const char *name)
{
	struct layer_use use;
	int r = store_is_id(name) ? layer_exists(store, name) ?: layer_lost_record(store, name) : 0;

	if (r)
		return r < 0 ? r : 0;
	/* A mount point that is in use stays. */
	if (strcmp(dir, "mnt") == 0 || strcmp(dir, "diff") == 0 || strcmp(dir, STORE_WORK) == 0) {
		r = users_look(store, name, true, &use);
		return r < 0 ? r : !use.mounted && !use.elsewhere && !use.reader;
	}
	return 1;
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
		s = holders_list_living(store, names[i], true, &living, &m);
		if (s == 0 && !m)
			s = mounts_unmount(store, names[i]);
		strings_free(living, m);
		/* Go on with the others. */
		r = r ?: s;
		s = 0;
	}
	strings_free(names, n);
	return r ?: s;
}

/* Remove unfinished files. They are written under the lock, so these are leftovers of killed processes. Returns 0 or
 * -errno (logged). */
static int remove_temps(const struct store *store)
{
	static const char *const names[] = { STORE_TEMP, "layers/" STORE_TEMP, STORE_INFO "/" STORE_TEMP };
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (unlinkat(store->fd, names[i], 0) < 0 && errno != ENOENT)
			r = log_errno(-errno, "remove '%s/%s'", store->dir, names[i]);
	return r;
}

int cleanup_store(struct store *store)
{
	int r = store_lock(store), temps;

	if (r < 0)
		return r;
	temps = remove_temps(store);
	r = unmount_unheld(store) ?: temps;
	for (size_t i = 0; cleanup_dirs[i]; i++) {
		char **names;
		size_t n;
		int s = store_list(store, cleanup_dirs[i], &names, &n);

		for (size_t k = 0; s == 0 && k < n; k++) {
			s = cleanup_is_leftover(store, cleanup_dirs[i], names[k]);
			if (s > 0)
				s = staging_bury(store, cleanup_dirs[i], names[k]);
		}
		strings_free(names, n);
		r = r ?: s;
	}
	store_unlock(store);
	return r;
}
