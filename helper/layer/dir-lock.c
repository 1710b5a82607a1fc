/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * dir-lock - locks on the directories of layers.
 *
 * A shared flock(2) on a layer's directory keeps it from being removed or
 * replaced, which needs an exclusive one. It ends with the process that has it,
 * and nobody waits for it.
 */
#include "dir-lock.h"
#include "../base/cleanup.h"
#include "../base/log.h"
#include "../base/process.h"
#include "users.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

/* Of 2 ms: an exclusive lock is held for a rename, or for a look at whether the directory is a leftover. */
#define HOLD_TRIES  500
#define SEIZE_TRIES 10

/* Return 1 if the name is still that of the open directory; 0; or -errno (logged). */
static int is_there(const struct store *store, const char *name, int fd)
{
	struct stat a, b;
	int r = store_look(store, name, &b);

	if (r <= 0)
		return r;
	if (fstat(fd, &a) < 0)
		return log_errno(-errno, "look at '%s/%s'", store->dir, name);
	return a.st_ino == b.st_ino && a.st_dev == b.st_dev;
}

static int hold(const struct store *store, const char *id, int operation)
{
	_cleanup_free_ char *name = xasprintf("diff/%s", id);

	for (int i = 0; i < (operation == LOCK_EX ? SEIZE_TRIES : HOLD_TRIES); i++) {
		_cleanup_close_ int fd = openat(store->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

		if (fd < 0)
			return log_errno(-errno, "layer '%s': open its directory '%s/%s'", id, store->dir, name);
		if (flock(fd, operation | LOCK_NB) == 0) {
			int r = is_there(store, name, fd);

			if (r)
				return r < 0 ? r : TAKE_FD(fd);
		} else if (errno != EWOULDBLOCK) {
			return log_errno(-errno, "layer '%s': lock its directory", id);
		} else {
			process_sleep(2);
		}
	}
	return log_refuse(-EBUSY, "layer '%s': another lxc-bdev is working with it", id);
}

void dirlock_release(int *fds, size_t n)
{
	for (size_t i = 0; i < n; i++)
		cleanup_close(&fds[i]);
	free(fds);
}

/* Check that the layer still has the same lower layers: nobody replaced it before it was locked. Returns 0 or -errno
 * (logged). */
static int check_same(const struct store *store, const struct layer *layer)
{
	const char *why;
	struct layer now;
	int r = layer_read_unchecked(store, layer->id, &now, &why);
	bool same = r == 0 && now.n == layer->n;

	for (size_t i = 0; same && i < layer->n; i++)
		same = strcmp(now.lowers[i], layer->lowers[i]) == 0;
	layer_clear(&now);
	if (same)
		return 0;
	if (r < 0 && r != -ENOENT)
		return log_errno(r, "read '%s/layers/%s'", store->dir, layer->id);
	return log_refuse(-EBUSY, "layer '%s': another lxc-bdev has just removed it", layer->id);
}

int dirlock_shared(const struct store *store, const struct layer *layer, int **ret)
{
	_cleanup_close_ int fd = hold(store, layer->id, LOCK_SH);
	int *lowers = NULL, r = fd;
	size_t n = 0;

	for (size_t i = 0; r >= 0 && ret && i < layer->n; i++) {
		r = hold(store, layer->lowers[i], LOCK_SH);
		if (r >= 0)
			*ARRAY_ADD(lowers, n) = r;
	}
	/* While it is locked, its lower layers are not removed, either. */
	if (r >= 0)
		r = check_same(store, layer);
	if (r < 0) {
		dirlock_release(lowers, n);
		return r;
	}
	if (ret)
		*ret = lowers;
	return TAKE_FD(fd);
}

int dirlock_stack(const struct store *store, const char *id, int **ret, size_t *ret_n)
{
	struct layer layer;
	int *lowers = NULL, fd, r;

	*ret = NULL;
	*ret_n = 0;
	if (!id)
		return 0;
	r = layer_read(store, id, &layer);
	fd = r == 0 ? dirlock_shared(store, &layer, &lowers) : r;
	if (fd >= 0) {
		*ARRAY_ADD(*ret, *ret_n) = fd;
		for (size_t i = 0; lowers && i < layer.n; i++)
			*ARRAY_ADD(*ret, *ret_n) = lowers[i];
	}
	free(lowers);
	layer_clear(&layer);
	return fd < 0 ? fd : 0;
}

int dirlock_exclusive(const struct store *store, const char *id)
{
	_cleanup_close_ int fd = hold(store, id, LOCK_EX);
	int r = fd < 0 ? 0 : users_is_written(store, fd);

	if (r < 0)
		return log_errno(r, "layer '%s': ask the kernel whether it is mounted", id);
	if (r > 0)
		return log_refuse(-EBUSY, "layer '%s' is mounted in a mount namespace that no process is in", id);
	return TAKE_FD(fd);
}
