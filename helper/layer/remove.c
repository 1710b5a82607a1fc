/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * remove - remove a layer: first its record, then its directory's name; its
 * contents are purged in the background.
 */
#include "remove.h"
#include "../base/cleanup.h"
#include "../base/log.h"
#include "dir-lock.h"
#include "mounts.h"
#include "staging.h"
#include "users.h"

#include <fcntl.h>
#include <sys/stat.h>

/* Remove its record, durably. Returns 0 or -errno (logged). */
static int unlink_record(const struct store *store, const char *id)
{
	_cleanup_close_ int layers = openat(store->fd, "layers", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (layers >= 0 && unlinkat(layers, id, 0) < 0 && errno == EISDIR && staging_bury(store, "layers", id) < 0)
		return -EIO;
	if (layers < 0 || (unlinkat(layers, id, 0) < 0 && errno != ENOENT) || fsync(layers) < 0)
		return log_errno(-errno, "remove '%s/layers/%s'", store->dir, id);
	return 0;
}

/* Check that the layer exists, has no users, and no layer depends on it. Returns 0 or -errno (logged). */
static int check_droppable(const struct store *store, const char *id)
{
	_cleanup_free_ char *child = NULL, *by = NULL;
	int r = layer_exists(store, id) ?: layer_lost_record(store, id);

	if (r <= 0)
		return r < 0 ? r : log_refuse(-ENOENT, "there is no layer '%s' in '%s'", id, store->dir);
	r = layer_find_child(store, id, &child);
	if (r > 0)
		return log_refuse(-EBUSY, "cannot remove layer '%s': layer '%s' depends on it", id, child);
	if (r == 0)
		r = mounts_unmount_stale(store, id);
	if (r == 0)
		r = users_find(store, id, &by);
	return r > 0 ? log_refuse(-EBUSY, "layer '%s' is in use: %s", id, by) : r;
}

int layer_remove_locked(const struct store *store, const char *id)
{
	_cleanup_free_ char *mnt = xasprintf("mnt/%s", id), *info = xasprintf(STORE_INFO "/%s", id),
			    *diff = xasprintf("diff/%s", id);
	_cleanup_close_ int fd = -EBADF;
	struct stat st;
	int r = check_droppable(store, id);

	if (r < 0)
		return r;
	/* Its directory may be missing; then only the record is removed. */
	r = store_look(store, diff, &st);
	if (r < 0)
		return r;
	if (r > 0 && S_ISDIR(st.st_mode) && (fd = dirlock_exclusive(store, id)) < 0)
		return fd;
	/* A layer with information and without a record has lost it. */
	if (unlinkat(store->fd, info, 0) < 0 && errno != ENOENT && errno != EISDIR)
		return log_errno(-errno, "remove '%s/%s'", store->dir, info);
	r = unlink_record(store, id);
	if (r < 0)
		return r;
	/* Without its record it is no layer. The rest of it is a leftover. */
	(void)unlinkat(store->fd, mnt, AT_REMOVEDIR);
	if (staging_bury(store, "diff", id) < 0 || staging_bury(store, STORE_WORK, id) < 0)
		log_warn("layer '%s' is removed; lxc-bdev layer cleanup removes what is left of it", id);
	return 0;
}

int layer_remove(struct store *store, const char *id)
{
	int r = store_check_id(id);

	if (r == 0)
		r = store_lock(store);
	if (r == 0)
		r = layer_remove_locked(store, id);
	store_unlock(store);
	return r;
}
