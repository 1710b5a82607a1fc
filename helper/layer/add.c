/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * add - a layer comes to be: what is in it is on disk, then it has its name,
 * then its record. Before the last, there is no layer, and nothing that is in
 * the way of the next who makes it.
 */
#include "../base/cleanup.h"
#include "../base/log.h"
#include "users.h"
#include "mounts.h"
#include "store.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

/* 1, 0 or -errno. */
static int is_empty(int fd)
{
	int again = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = again < 0 ? NULL : fdopendir(again);
	struct dirent *entry;
	int r = dir ? 1 : -errno;

	while (dir && r == 1 && (errno = 0, entry = readdir(dir)))
		r = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
	if (r == 1 && errno)
		r = -errno;
	if (dir)
		(void)closedir(dir);
	else
		cleanup_close(&again);
	return r;
}

/* Nobody sees what changes in the layer. 0 or -errno (logged). */
static int check_unused(const struct store *store, const char *id)
{
	_cleanup_free_ char *child = NULL, *by = NULL;
	int r = store_child(store, id, &child);

	if (r > 0)
		return log_refuse(-EBUSY, "layer '%s' exists, and layer '%s' lies on it", id, child);
	if (r == 0)
		r = mounts_put_dead(store, id);
	if (r == 0)
		r = inuse_by(store, id, &by);
	return r > 0 ? log_refuse(-EBUSY, "layer '%s' exists, and is in use: %s", id, by) : r;
}

/* A layer that is to be filled can be. *ret: its directory, ours alone. 0 or -errno (logged). */
static int may_fill(const struct store *store, const struct layer *layer, const char *parent, int *ret)
{
	int r;

	if (parent ? !layer->n || strcmp(layer->below[0], parent) != 0 : layer->n > 0)
		return log_refuse(-EEXIST, "layer '%s' exists, on %s%s", layer->id, layer->n ? "layer " : "no other",
				  layer->n ? layer->below[0] : "");
	r = check_unused(store, layer->id);
	if (r < 0)
		return r;
	*ret = store_seize(store, layer->id);
	if (*ret < 0)
		return *ret;
	r = is_empty(*ret);
	if (r < 0)
		return log_errno(r, "layer '%s': read its directory", layer->id);
	return r ? 0 : log_refuse(-EEXIST, "layer '%s' exists, and is not empty", layer->id);
}

int store_may_fill(struct store *store, const char *id, const char *parent)
{
	_cleanup_close_ int fd = -EBADF;
	struct layer layer;
	int r = store_lock(store);

	if (r < 0)
		return r;
	r = store_read(store, id, &layer);
	if (r == 0)
		r = may_fill(store, &layer, parent, &fd);
	layer_clear(&layer);
	store_unlock(store);
	return r;
}

/* The new layer's record, its parent's with the parent in front. 0 or -errno (logged). */
static int stack(const struct store *store, const char *parent, struct layer *layer)
{
	struct layer below;
	struct inuse inuse;
	int r;

	if (!parent)
		return 0;
	r = store_read(store, parent, &below);
	if (r == 0) {
		*ARRAY_ADD(layer->below, layer->n) = xstrdup(parent);
		for (size_t i = 0; i < below.n; i++)
			*ARRAY_ADD(layer->below, layer->n) = xstrdup(below.below[i]);
		/* What it lies on must stay as it is. */
		r = mounts_put_dead(store, parent);
	}
	if (r == 0)
		r = inuse_look(store, parent, true, &inuse);
	if (r == 0) {
		if (inuse.writable)
			r = log_refuse(-EBUSY, "layer '%s' is mounted, and written to; put it first", parent);
		else if (inuse.elsewhere)
			r = log_refuse(-EBUSY, "layer '%s' is mounted elsewhere, in the mount namespace of process %d",
				       parent, (int)inuse.elsewhere);
	}
	layer_clear(&below);
	return r;
}

static int sync_dir(const struct store *store, const char *name)
{
	_cleanup_close_ int fd = openat(store->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 || fsync(fd) < 0 ? log_errno(-errno, "sync '%s/%s'", store->dir, name) : 0;
}

/* Give the stage the layer's name. With the lock. */
static int name_it(const struct store *store, const char *id, struct stage_dir *stage)
{
	_cleanup_free_ char *to = xasprintf("diff/%s", id);

	if (renameat(store->fd, stage->name, store->fd, to) < 0)
		return log_errno(-errno, "layer '%s': name its directory", id);
	/* From here on it is no stage. */
	free(TAKE_PTR(stage->name));
	(void)flock(stage->fd, LOCK_UN);
	return sync_dir(store, "diff");
}

/* The record is there already: the rename is all. */
static int fill(const struct store *store, const struct layer *layer, struct stage_dir *stage)
{
	int r = store_inform(store, layer);

	return r < 0 ? r : name_it(store, layer->id, stage);
}

static int make(const struct store *store, const struct layer *layer, struct stage_dir *stage)
{
	/* Without a record, whatever is there is what an interrupted one left. */
	int r = store_bury(store, "diff", layer->id);

	if (r == 0)
		r = name_it(store, layer->id, stage);
	if (r == 0)
		r = store_record(store, layer);
	if (r < 0 && store_has(store, layer->id) == 0)
		(void)store_bury(store, "diff", layer->id);
	return r;
}

static int add(const struct store *store, struct layer *layer, const char *parent, bool may_exist,
	       struct stage_dir *stage)
{
	_cleanup_close_ int before = -EBADF;
	int exists = store_has(store, layer->id), r = 0;
	struct layer old = { 0 };

	if (exists < 0)
		return exists;
	if (exists && !may_exist)
		return log_refuse(-EEXIST, "layer '%s' exists", layer->id);
	if (exists) {
		r = store_read(store, layer->id, &old);
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

/* An empty layer's directory. */
static int make_empty(const struct store *store, const char *parent, struct stage_dir *ret)
{
	_cleanup_free_ char *name = xasprintf("diff/%s", parent ?: "");
	_cleanup_close_ int below = -EBADF;
	int r = parent ? store_has(store, parent) : 1;

	if (r <= 0)
		return r < 0 ? r : log_refuse(-ENOENT, "there is no layer '%s' in '%s'", parent, store->dir);
	/* The root of the parent is what the new layer's root covers. */
	if (parent && (below = openat(store->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)) < 0)
		return log_errno(-errno, "layer '%s': open its directory '%s/%s'", parent, store->dir, name);
	r = store_stage(store, ret);
	if (r == 0)
		r = store_stage_like(store, ret, below, true);
	if (r == 0 && fsync(ret->fd) < 0)
		r = log_errno(-errno, "sync a new layer");
	return r;
}

int store_add(struct store *store, const char *id, const char *parent, bool rw, uint64_t size, struct stage_dir *stage)
{
	struct layer layer = { .id = xstrdup(id), .rw = rw, .size = size, .created = time(NULL) };
	struct stage_dir empty = { .fd = -EBADF };
	int r = store_check_id(id);

	if (r == 0 && parent)
		r = store_check_id(parent);
	/* Before the lock: this may take its time. */
	if (r == 0 && stage && syncfs(stage->fd) < 0)
		r = log_errno(-errno, "sync layer '%s'", id);
	if (r == 0 && !stage)
		r = make_empty(store, parent, &empty);
	if (r == 0)
		r = store_lock(store);
	if (r == 0)
		r = add(store, &layer, parent, stage, stage ?: &empty);
	store_unlock(store);
	store_unstage(store, &empty);
	layer_clear(&layer);
	return r;
}
