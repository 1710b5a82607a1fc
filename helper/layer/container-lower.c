/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * container-lower - layers as lower layers of a container.
 *
 * The container's journal records them. Whoever removes a layer, or mounts it
 * writable, looks into the journals while it holds the store's lock exclusively.
 * The record is written while the lock is held shared, and then the layer is
 * looked up once more. So at least one of two concurrent commands sees the other.
 */
#include "container-lower.h"
#include "../record-kinds/layer.h"
#include "../base/cleanup.h"
#include "../base/log.h"
#include "../base/process.h"
#include "metadata.h"
#include "store-open.h"
#include "users.h"

#include <fcntl.h>
#include <sys/file.h>

#define LOCK_WAIT_MS 10000 /* an exclusive lock is held for milliseconds */

int lower_open_store(const char *dir, struct store *ret)
{
	int r = store_open(dir, NULL, false, ret);

	return r < 0 ? r : store_check_ours(ret);
}

/* store_close() would start a purge. */
void lower_close_store(struct store *store)
{
	store_unlock(store);
	cleanup_close(&store->fd);
	free(store->dir);
	*store = (struct store){ .fd = -EBADF, .lock = -EBADF };
}

static int open_layer(int store, const char *id)
{
	_cleanup_free_ char *name = xasprintf("diff/%s", id);
	int fd = store_is_id(id) ? openat(store, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1;

	return fd < 0 ? -errno : fd;
}

int lower_open(const char *dir, const char *id)
{
	_cleanup_close_ int store = open(dir, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return store < 0 ? -errno : open_layer(store, id);
}

/* Lock the store shared: starts do not wait for each other. Returns 0 or -errno (logged). */
static int lock_shared(struct store *store)
{
	long long until = process_clock() + LOCK_WAIT_MS;

	store->lock = openat(store->fd, "lock", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (store->lock < 0)
		return log_errno(-errno, "open '%s/lock'", store->dir);
	while (flock(store->lock, LOCK_SH | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return log_errno(-errno, "lock '%s'", store->dir);
		if (process_clock() >= until)
			return log_refuse(-EBUSY, "layer store '%s': another lxc-bdev has it locked for %d s",
					  store->dir, LOCK_WAIT_MS / 1000);
		process_sleep(2);
	}
	return 0;
}

/* Check that the layer still exists, on the same parent. Returns 0 or -errno (logged). */
static int check_record(const struct store *store, const char *id, const char *parent)
{
	struct layer layer;
	const char *why;
	int r = layer_read_unchecked(store, id, &layer, &why);
	bool same = r == 0 && (parent ? layer.n && strcmp(layer.lowers[0], parent) == 0 : !layer.n);

	layer_clear(&layer);
	if (r < 0 && r != -ENOENT)
		return log_errno(r, "layer '%s' of '%s': read its record", id, store->dir);
	return same ? 0
		    : log_refuse(-EBUSY, "layer '%s' of '%s': another lxc-bdev has just removed it", id, store->dir);
}

/* Check that the layer has no writer. Returns 0 or -errno (logged). */
static int check_writers(const struct store *store, const char *id, int layer)
{
	_cleanup_free_ char *work = xasprintf(STORE_WORK "/%s", id);
	int r = store->delta.format == DELTA_AUFS ? 1 : store_look(store, work, NULL);

	if (r <= 0)
		return r;
	r = users_is_written(store, layer);
	if (r < 0)
		return log_errno(r, "layer '%s' of '%s': ask the kernel whether it is written to", id, store->dir);
	return r ? log_refuse(-EBUSY, "layer '%s' of '%s' is mounted writable; put it first", id, store->dir) : 0;
}

/* Check that the store was not converted since the plan. Returns 0 or -EBUSY (logged). */
static int check_driver(const struct store *store)
{
	_cleanup_close_ int fd = openat(store->fd, "driver", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	const char *driver = store_driver(store);
	char said[16] = "";
	ssize_t n = fd < 0 ? -1 : read(fd, said, sizeof(said) - 1);

	if (n < 0)
		return log_errno(-errno, "read '%s/driver'", store->dir);
	if (strncmp(said, driver, strlen(driver)) == 0)
		return 0;
	return log_refuse(-EBUSY, "layer store '%s': another lxc-bdev is converting it", store->dir);
}

static int acquire(struct store *store, const char *id, const char *parent, struct journal *journal)
{
	_cleanup_free_ char *key = store_key(store, id);
	_cleanup_close_ int fd = -EBADF;
	int r = lock_shared(store) ?: check_driver(store);

	if (r == 0)
		r = layer_record(journal, key);
	if (r == 0)
		r = check_record(store, id, parent);
	if (r < 0)
		return r;
	fd = open_layer(store->fd, id);
	if (fd < 0)
		return log_errno(fd, "layer '%s': open its directory '%s/diff/%s'", id, store->dir, id);
	r = check_writers(store, id, fd);
	return r < 0 ? r : TAKE_FD(fd);
}

int lower_acquire(const char *dir, enum whiteout_format format, const char *id, const char *parent,
		  struct journal *journal)
{
	struct store store = { .dir = xstrdup(dir), .lock = -EBADF, .delta.format = format };
	int r;

	/* All else about the store was checked when the layer was planned. */
	store.fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	r = store.fd < 0 ? log_errno(-errno, "layer store '%s'", dir) : acquire(&store, id, parent, journal);
	lower_close_store(&store);
	return r;
}
