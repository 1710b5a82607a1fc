/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * drop - a layer goes: its record first, then its name, and what was in it when
 * there is time.
 */
#include "../core/cleanup.h"
#include "../core/log.h"
#include "inuse.h"
#include "mounts.h"
#include "store.h"
#include "tidy.h"

#include <fcntl.h>
#include <sys/stat.h>

/* Its record, for good. */
static int unlink_record(const struct store *store, const char *id)
{
	_cleanup_close_ int layers = openat(store->fd, "layers", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (layers >= 0 && unlinkat(layers, id, 0) < 0 && errno == EISDIR && store_bury(store, "layers", id) < 0)
		return -EIO;
	if (layers < 0 || (unlinkat(layers, id, 0) < 0 && errno != ENOENT) || fsync(layers) < 0)
		return log_errno(-errno, "remove '%s/layers/%s'", store->dir, id);
	return 0;
}

int store_drop(const struct store *store, const char *id)
{
	_cleanup_free_ char *child = NULL, *by = NULL, *mnt = xasprintf("mnt/%s", id),
			    *info = xasprintf(STORE_INFO "/%s", id), *diff = xasprintf("diff/%s", id);
	_cleanup_close_ int fd = -EBADF;
	struct stat st;
	int r;

	if (!store_has(store, id) && !tidy_is_lost(store, id))
		return log_refuse(-ENOENT, "there is no layer '%s' in '%s'", id, store->dir);
	child = store_child(store, id);
	if (child)
		return log_refuse(-EBUSY, "layer '%s' is needed: layer '%s' lies on it", id, child);
	r = mounts_put_dead(store, id);
	if (r < 0)
		return r;
	by = inuse_by(store, id);
	if (by)
		return log_refuse(-EBUSY, "layer '%s' is in use: %s", id, by);
	/* Its directory may be lost; then there is no more to it than the record. */
	if (fstatat(store->fd, diff, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode) &&
	    (fd = store_seize(store, id)) < 0)
		return fd;
	/* What has this, and no record, has lost it. */
	(void)unlinkat(store->fd, info, 0);
	r = unlink_record(store, id);
	if (r < 0)
		return r;
	(void)unlinkat(store->fd, mnt, AT_REMOVEDIR);
	r = store_bury(store, "diff", id);
	return r < 0 ? r : store_bury(store, STORE_WORK, id);
}

int store_remove(struct store *store, const char *id)
{
	int r = store_check_id(id);

	if (r == 0)
		r = store_lock(store);
	if (r == 0)
		r = store_drop(store, id);
	store_unlock(store);
	return r;
}
