/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * mounts - layers mounted on the store's mnt/ID.
 *
 * All of it is done under the store's lock, as a mount takes only moments: so
 * nobody gets a path on which nothing is mounted yet, and nobody unmounts a layer
 * that another holder has just got. The kernel is asked what is mounted.
 */
#include "mounts.h"
#include "../base/cleanup.h"
#include "../base/log.h"
#include "../kernel/mount.h"
#include "../base/remove.h"
#include "holders.h"
#include "metadata.h"
#include "union-mount.h"
#include "users.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>

static int attach(const struct store *store, const struct layer *layer, int mount_fd)
{
	_cleanup_free_ char *name = xasprintf("mnt/%s", layer->id);
	_cleanup_close_ int target = -EBADF;
	char proc[40];
	int r;

	if (mkdirat(store->fd, name, 0700) < 0 && errno != EEXIST)
		return log_errno(-errno, "make '%s/%s'", store->dir, name);
	target = openat(store->fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	r = target < 0 ? -errno : mount_attach(mount_fd, target);
	if (r < 0)
		return log_errno(r, "mount on '%s/%s'", store->dir, name);
	/* Mounts inside of it are not propagated. */
	(void)snprintf(proc, sizeof(proc), "/proc/self/fd/%d", mount_fd);
	(void)mount(NULL, proc, NULL, MS_PRIVATE, NULL);
	return 0;
}

/* Mount the layer, which is not mounted. When it is writable, its recorded size is not valid any more. */
static int mount_it(const struct store *store, struct layer *layer, const struct layer_use *use)
{
	_cleanup_free_ char *child = NULL, *container = users_find_container(store, layer->id);
	_cleanup_close_ int fd = -EBADF;
	int needed = layer_find_child(store, layer->id, &child);
	bool writable = !needed && !container && !use->reader;

	if (needed < 0)
		return needed;
	if (use->elsewhere)
		return log_refuse(-EBUSY, "layer '%s' is mounted elsewhere, in the mount namespace of process %d",
				  layer->id, (int)use->elsewhere);
	fd = union_mount(store, layer, writable);
	if (fd < 0)
		return fd;
	if (writable && layer->size) {
		int r;

		layer->size = 0;
		r = layer_write_info(store, layer);
		if (r < 0)
			return r;
	}
	return attach(store, layer, fd);
}

static int get(const struct store *store, struct layer *layer, const char *holder)
{
	int held = holders_is_living(store, layer->id, holder), r = held < 0 ? held : 0;
	struct layer_use use = { 0 };

	if (r == 0)
		r = users_look(store, layer->id, false, &use);
	if (r < 0)
		return r;
	if (use.mounted && !use.ours)
		return log_refuse(-EBUSY, "'%s/mnt/%s' is the mount point of another file system; unmount it first",
				  store->dir, layer->id);
	if (!use.mounted)
		r = users_look(store, layer->id, true, &use);
	else if (!use.writable)
		log_info("layer '%s' is mounted already, read-only", layer->id);
	/* A holder that is recorded already would be lost if writing it again failed half-way. */
	if (r == 0 && !held)
		r = holders_add(store, layer->id, holder);
	if (r == 0 && !use.mounted)
		r = mount_it(store, layer, &use);
	if (r < 0 && !held)
		(void)holders_remove(store, layer->id, holder);
	return r;
}

int mounts_get(struct store *store, const char *id, const char *holder, char **ret_path)
{
	_cleanup_free_ char *name = holders_name(holder);
	struct layer layer = { 0 };
	int r = name ? store_lock(store) : -EMALFORMED;

	if (r == 0)
		r = layer_read(store, id, &layer);
	if (r == 0)
		r = get(store, &layer, name);
	store_unlock(store);
	layer_clear(&layer);
	if (r == 0)
		*ret_path = xasprintf("%s/mnt/%s", store->dir, id);
	return r;
}

int mounts_unmount(const struct store *store, const char *id)
{
	_cleanup_free_ char *at = xasprintf("%s/mnt/%s", store->dir, id);
	_cleanup_close_ int work = openat(store->fd, STORE_WORK, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct layer_use use = { 0 };
	int r;

	for (;;) {
		r = users_look(store, id, false, &use);
		if (r < 0)
			return r;
		if (!use.mounted)
			break;
		if (!use.ours)
			return log_refuse(-EBUSY, "'%s' is the mount point of another file system; unmount it first",
					  at);
		if (umount2(at, UMOUNT_NOFOLLOW) == 0)
			continue;
		if (errno == EBUSY)
			return log_refuse(-EBUSY,
					  "layer '%s' is in use: a process has a file or directory in '%s' open, or "
					  "something is mounted in it",
					  id, at);
		return log_errno(-errno, "unmount '%s'", at);
	}
	(void)remove_tree(work, id, NULL);
	return 0;
}

int mounts_unmount_stale(const struct store *store, const char *id)
{
	struct layer_use use = { 0 };
	char **living;
	size_t n;
	int r = holders_list_living(store, id, true, &living, &n);

	strings_free(living, n);
	if (r == 0)
		r = users_look(store, id, false, &use);
	if (r < 0)
		return r;
	return !n && use.mounted && use.ours ? mounts_unmount(store, id) : 0;
}

static int put(const struct store *store, const char *id, const char *holder)
{
	char **living;
	size_t n;
	int r = layer_exists(store, id);

	if (r <= 0)
		return r < 0 ? r : log_refuse(-ENOENT, "there is no layer '%s' in '%s'", id, store->dir);
	r = holders_is_living(store, id, holder);
	if (r < 0)
		return r;
	if (!r)
		return log_refuse(-ENOENT, "layer '%s' has no holder '%s'%s", id, holder,
				  strncmp(holder, "pid-", 4) == 0
					  ? " (the calling process); name one with --holder in get "
					    "and put"
					  : "");
	/* The holder itself is one of them. If unmounting fails, it stays recorded. */
	r = holders_list_living(store, id, true, &living, &n);
	if (r == 0 && n <= 1)
		r = mounts_unmount(store, id);
	strings_free(living, n);
	return r < 0 ? r : holders_remove(store, id, holder);
}

/* Sync the layer before the lock is taken: unmounting an overlay syncs its upper's file system, too. */
static void sync_before(const struct store *store, const char *id)
{
	_cleanup_free_ char *name = xasprintf("mnt/%s", id);
	_cleanup_close_ int fd = openat(store->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd >= 0)
		(void)syncfs(fd);
}

int mounts_put(struct store *store, const char *id, const char *holder)
{
	_cleanup_free_ char *name = holders_name(holder);
	int r = name ? store_check_id(id) : -EMALFORMED;

	if (r < 0)
		return r;
	sync_before(store, id);
	r = store_lock(store);
	if (r == 0)
		r = put(store, id, name);
	store_unlock(store);
	return r;
}
