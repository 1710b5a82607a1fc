/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * union-mount - mount a layer over its lower layers, with overlay or aufs.
 */
#include "union-mount.h"
#include "dir-lock.h"
#include "../kernel/aufs.h"
#include "../uses/aufs-users.h"
#include "../base/cleanup.h"
#include "../base/log.h"
#include "../kernel/overlay.h"
#include "staging.h"

#include <fcntl.h>
#include <sys/stat.h>

static int open_dir(int root, const char *dir, const char *id)
{
	_cleanup_free_ char *name = xasprintf("%s%s%s", dir, id ? "/" : "", id ?: "");
	int fd = openat(root, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? log_errno(-errno, "layer '%s': open its directory '%s'", id ?: "", name) : fd;
}

/* Open overlay's layers: the layer itself is the upper, or the first lower. There is always a lower. */
static int open_layers(const struct layer *layer, int root, bool writable, struct layers *ret)
{
	int r = 0, fd;

	if (writable) {
		ret->upper = open_dir(root, "diff", layer->id);
		ret->work = open_dir(root, STORE_WORK, layer->id);
		r = ret->upper < 0 ? ret->upper : ret->work < 0 ? ret->work : 0;
	}
	for (size_t i = writable; r == 0 && i <= layer->n; i++) {
		fd = open_dir(root, "diff", i ? layer->lowers[i - 1] : layer->id);
		if (fd < 0)
			r = fd;
		else
			*ARRAY_ADD(ret->lowers, ret->n) = fd;
	}
	while (r == 0 && ret->n < (writable ? 1 : 2)) {
		fd = open_dir(root, STORE_EMPTY, NULL);
		if (fd < 0)
			r = fd;
		else
			*ARRAY_ADD(ret->lowers, ret->n) = fd;
	}
	return r;
}

static int check_number(const struct layer *layer, bool writable)
{
	size_t n = layer->n + !writable;

	if (n > OVERLAYFS_LOWERS_MAX)
		return log_refuse(-E2BIG,
				  "layer '%s' has %zu lower layers, and the kernel takes %d; merge some: "
				  "lxc-bdev layer squash FROM..TO NEW",
				  layer->id, layer->n, OVERLAYFS_LOWERS_MAX - !writable);
	if (layer->n >= UNION_MOUNT_MANY)
		log_warn("layer '%s' has %zu lower layers, which makes looking up names slow; merge some: "
			 "lxc-bdev layer squash FROM..TO NEW",
			 layer->id, layer->n);
	return 0;
}

/* Refuse a layer that another mount writes to, from the kernel's answer. Returns 0 or -errno (logged). */
static int check_written(const char *id, int answer)
{
	if (answer < 0)
		return log_errno(answer, "layer '%s': ask the kernel whether another mount writes to it", id);
	return answer ? log_refuse(-EBUSY, "layer '%s' is written to by another mount", id) : 0;
}

static int make_overlay(const struct store *store, const struct layer *layer, bool writable, struct stage *stage)
{
	_cleanup_free_ char *where = xasprintf("layer '%s'", layer->id);
	struct layers layers = { .upper = -EBADF, .work = -EBADF };
	_cleanup_close_ int root = -EBADF, mount = -EBADF;
	int r;

	/* Inside the stage, layers must be opened through its own mounts. */
	root = open(store->dir, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (root < 0)
		return log_errno(-errno, "open '%s'", store->dir);
	r = open_layers(layer, root, writable, &layers);
	if (r == 0 && writable)
		r = check_written(layer->id, overlayfs_in_use(layers.upper, layers.lowers[0]));
	if (r == 0)
		r = mount = overlayfs_mount(&layers, stage, where);
	overlayfs_close(&layers);
	if (r >= 0 && stage->host >= 0) {
		r = mount_clone(mount, false);
		if (r < 0)
			return log_errno(r, "layer '%s': detach its mount", layer->id);
		return r;
	}
	return r < 0 ? r : TAKE_FD(mount);
}

static int check_branches(const struct layer *layer)
{
	size_t max = aufs_branches_max();

	if (layer->n + 1 > max)
		return log_refuse(
			-E2BIG,
			"layer '%s' has %zu lower layers, and this kernel's aufs takes %zu branches; merge some: "
			"lxc-bdev layer squash FROM..TO NEW",
			layer->id, layer->n, max);
	return 0;
}

/*
 * Mount the store in the stage. It is opened once more for that: the kernel does not clone a mount of another
 * namespace, and the store's descriptor belongs to the one that the stage is a copy of. Returns a descriptor or -errno
 * (logged).
 */
static int hold_store(const struct store *store, struct stage *stage)
{
	_cleanup_close_ int here = open(store->dir, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), root = -EBADF;
	struct stat wanted, st;
	int r;

	if (here < 0 || fstat(here, &st) < 0 || fstat(store->fd, &wanted) < 0)
		return log_errno(-errno, "open '%s'", store->dir);
	if (st.st_dev != wanted.st_dev || st.st_ino != wanted.st_ino)
		return log_refuse(-EBUSY, "'%s' was replaced just now: try again", store->dir);
	r = root = mount_clone(here, false);
	if (r >= 0)
		r = stage_hold(stage, root, NULL);
	return r < 0 ? log_errno(r, "bring '%s' into the stage", store->dir) : TAKE_FD(root);
}

/* Mount the layers by their paths in the stage, which have no characters that aufs cannot take. */
static int make_aufs(const struct store *store, const struct layer *layer, bool writable, struct stage *stage)
{
	_cleanup_free_ char *where = xasprintf("layer '%s'", layer->id), *si = NULL;
	struct branches branches = { .nlowers = layer->n + !writable, .writable = writable };
	_cleanup_close_ int root = hold_store(store, stage), mount = -EBADF;
	int r = root < 0 ? root : 0, fd;

	if (r < 0)
		return r;
	for (size_t i = 0; r == 0 && i <= layer->n; i++) {
		fd = open_dir(root, "diff", i ? layer->lowers[i - 1] : layer->id);
		if (fd < 0)
			r = fd;
		else
			*ARRAY_ADD(branches.fds, branches.n) = fd;
	}
	if (r == 0 && writable)
		r = check_written(layer->id, aufs_in_use(branches.fds[0]));
	if (r == 0)
		r = mount = aufsfs_mount(&branches, &(struct aufs_options){ 0 }, stage, where, &si);
	dirlock_release(branches.fds, branches.n);
	if (r < 0)
		return r;
	r = mount_clone(mount, false);
	return r < 0 ? log_errno(r, "layer '%s': detach its mount", layer->id) : r;
}

int union_mount(const struct store *store, const struct layer *layer, bool writable)
{
	_cleanup_free_ char *scratch = xasprintf("%s/" STORE_STAGING, store->dir),
			    *work = xasprintf(STORE_WORK "/%s", layer->id);
	_cleanup_close_ int mount = -EBADF;
	bool aufs = store->delta.format == DELTA_AUFS;
	struct stage stage = { .host = -EBADF };
	int r;

	if (aufs && aufs_impossible())
		return log_refuse(-EOPNOTSUPP,
				  "layer '%s': its store is in aufs format, and this kernel has no aufs; convert it: "
				  "lxc-bdev layer import --aufs=%s --driver=overlay",
				  layer->id, store->dir);
	r = aufs ? check_branches(layer) : check_number(layer, writable);
	if (r < 0)
		return r;
	if (writable && !aufs && mkdirat(store->fd, work, 0700) < 0 && errno != EEXIST)
		return log_errno(-errno, "make '%s/%s'", store->dir, work);
	if ((aufs || stage_needed()) && (r = stage_enter(&stage, scratch)) < 0)
		r = log_errno(r, "enter a private mount namespace");
	if (r == 0)
		r = mount =
			aufs ? make_aufs(store, layer, writable, &stage) : make_overlay(store, layer, writable, &stage);
	if (stage.host >= 0 && stage_leave(&stage) < 0)
		return log_errno(-EIO, "leave the private mount namespace");
	return r < 0 ? r : TAKE_FD(mount);
}
