/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * add - make a layer: first its contents become durable, then it is named, then
 * recorded. Until it is recorded there is no layer, and its leftovers are not in
 * the way of whoever makes it next.
 */
#include "add.h"
#include "../base/cleanup.h"
#include "../base/directory.h"
#include "../base/log.h"
#include "dir-lock.h"
#include "mounts.h"
#include "users.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

/* Check that the layer has no users, who would see it change. Returns 0 or -errno (logged). */
static int check_unused(const struct store *store, const char *id)
{
	_cleanup_free_ char *child = NULL, *by = NULL;
	int r = layer_find_child(store, id, &child);

	if (r > 0)
		return log_refuse(-EBUSY, "layer '%s' exists, and layer '%s' depends on it", id, child);
	if (r == 0)
		r = mounts_unmount_stale(store, id);
	if (r == 0)
		r = users_find(store, id, &by);
	return r > 0 ? log_refuse(-EBUSY, "layer '%s' exists, and is in use: %s", id, by) : r;
}

/* Check that an existing layer can be filled, and lock its directory exclusively: *ret. Returns 0 or -errno (logged).
 */
static int may_fill(const struct store *store, const struct layer *layer, const char *parent, int *ret)
{
	int r;

	if (parent ? !layer->n || strcmp(layer->lowers[0], parent) != 0 : layer->n > 0)
		return log_refuse(-EEXIST, "layer '%s' exists, %s%s", layer->id,
				  layer->n ? "with the parent " : "without a parent", layer->n ? layer->lowers[0] : "");
	r = check_unused(store, layer->id);
	if (r < 0)
		return r;
	*ret = dirlock_exclusive(store, layer->id);
	if (*ret < 0)
		return *ret;
	r = directory_is_empty(*ret, NULL);
	if (r < 0)
		return log_errno(r, "layer '%s': read its directory", layer->id);
	return r ? 0 : log_refuse(-EEXIST, "layer '%s' exists, and is not empty", layer->id);
}

int layer_may_fill(struct store *store, const char *id, const char *parent)
{
	_cleanup_close_ int fd = -EBADF;
	struct layer layer;
	int r = store_lock(store);

	if (r < 0)
		return r;
	r = layer_read(store, id, &layer);
	if (r == 0)
		r = may_fill(store, &layer, parent, &fd);
	layer_clear(&layer);
	store_unlock(store);
	return r;
}

/* List the new layer's lower layers: the parent, then those of the parent. Returns 0 or -errno (logged). */
static int stack(const struct store *store, const char *parent, struct layer *layer)
{
	struct layer lower;
	struct layer_use use;
	int r;

	if (!parent)
		return 0;
	r = layer_read(store, parent, &lower);
	if (r == 0) {
		*ARRAY_ADD(layer->lowers, layer->n) = xstrdup(parent);
		for (size_t i = 0; i < lower.n; i++)
			*ARRAY_ADD(layer->lowers, layer->n) = xstrdup(lower.lowers[i]);
		/* A lower layer must not change any more. */
		r = mounts_unmount_stale(store, parent);
	}
	if (r == 0)
		r = users_look(store, parent, true, &use);
	if (r == 0) {
		if (use.writable)
			r = log_refuse(-EBUSY, "layer '%s' is mounted writable; put it first", parent);
		else if (use.elsewhere)
			r = log_refuse(-EBUSY, "layer '%s' is mounted elsewhere, in the mount namespace of process %d",
				       parent, (int)use.elsewhere);
	}
	layer_clear(&lower);
	return r;
}

static int sync_dir(const struct store *store, const char *name)
{
	_cleanup_close_ int fd = openat(store->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 || fsync(fd) < 0 ? log_errno(-errno, "sync '%s/%s'", store->dir, name) : 0;
}

/* Rename the staging directory to the layer's. Needs the lock. */
static int name_it(const struct store *store, const char *id, struct staging *stage)
{
	_cleanup_free_ char *to = xasprintf("diff/%s", id);

	if (renameat(store->fd, stage->name, store->fd, to) < 0)
		return log_errno(-errno, "layer '%s': name its directory", id);
	/* From here on it is the layer's directory. */
	free(TAKE_PTR(stage->name));
	(void)flock(stage->fd, LOCK_UN);
	return sync_dir(store, "diff");
}

/* Give a layer that is recorded already its contents. */
static int fill(const struct store *store, const struct layer *layer, struct staging *stage)
{
	int r = layer_write_info(store, layer);

	return r < 0 ? r : name_it(store, layer->id, stage);
}

static int make(const struct store *store, const struct layer *layer, struct staging *stage)
{
	/* A directory without a record is a leftover of an interrupted command. */
	int r = staging_bury(store, "diff", layer->id);

	if (r == 0)
		r = name_it(store, layer->id, stage);
	if (r == 0)
		r = layer_write_record(store, layer);
	if (r < 0 && layer_exists(store, layer->id) == 0)
		(void)staging_bury(store, "diff", layer->id);
	return r;
}

static int add(const struct store *store, struct layer *layer, const char *parent, bool may_exist,
	       struct staging *stage)
{
	_cleanup_close_ int before = -EBADF;
	int exists = layer_exists(store, layer->id), r = 0;
	struct layer old = { 0 };

	if (exists < 0)
		return exists;
	if (exists && !may_exist)
		return log_refuse(-EEXIST, "layer '%s' exists", layer->id);
	if (exists) {
		r = layer_read(store, layer->id, &old);
		if (r == 0)
			r = may_fill(store, &old, parent, &before);
		layer->rw = old.rw;
	}
	if (r == 0)
		r = stack(store, parent, layer);
	if (r == 0)
		r = exists ? fill(store, layer, stage) : make(store, layer, stage);
	layer_clear(&old);
	return r;
}

/* Make the directory of an empty layer. */
static int make_empty(const struct store *store, const char *parent, struct staging *ret)
{
	_cleanup_free_ char *name = xasprintf("diff/%s", parent ?: "");
	_cleanup_close_ int lower = -EBADF;
	int r = parent ? layer_exists(store, parent) : 1;

	if (r <= 0)
		return r < 0 ? r : log_refuse(-ENOENT, "there is no layer '%s' in '%s'", parent, store->dir);
	/* The new layer's root covers that of the parent. */
	if (parent && (lower = openat(store->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)) < 0)
		return log_errno(-errno, "layer '%s': open its directory '%s/%s'", parent, store->dir, name);
	r = staging_create(store, ret);
	if (r == 0)
		r = staging_inherit(store, ret, lower, true);
	if (r == 0 && fsync(ret->fd) < 0)
		r = log_errno(-errno, "sync a new layer");
	return r;
}

int layer_add(struct store *store, const char *id, const char *parent, bool rw, uint64_t size, struct staging *stage)
{
	struct layer layer = { .id = xstrdup(id), .rw = rw, .size = size, .created = time(NULL) };
	struct staging empty = { .fd = -EBADF };
	int r = store_check_id(id);

	if (r == 0 && parent)
		r = store_check_id(parent);
	/* Before the lock is taken, as this may take long. */
	if (r == 0 && stage && syncfs(stage->fd) < 0)
		r = log_errno(-errno, "sync layer '%s'", id);
	if (r == 0 && !stage)
		r = make_empty(store, parent, &empty);
	if (r == 0)
		r = store_lock(store);
	if (r == 0)
		r = add(store, &layer, parent, stage, stage ?: &empty);
	store_unlock(store);
	staging_discard(store, &empty);
	layer_clear(&layer);
	return r;
}
