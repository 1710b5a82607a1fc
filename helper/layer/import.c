/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * import - make a store of Docker's aufs driver a layer store, or copy its layers
 * to one.
 *
 * The layout of both is the same, so in place only the file 'driver' is written.
 * While the layers are converted it says "converting", with which no other command
 * opens the store. Each layer is converted in one step.
 */
#include "import.h"
#include "add.h"
#include "store-open.h"
#include "../kernel/aufs-info.h"
#include "../delta/aufs-store.h"
#include "../delta/check.h"
#include "../base/cleanup.h"
#include "../delta/convert-in-place.h"
#include "../base/log.h"
#include "../delta/size.h"

#include <fcntl.h>
#include <string.h>

struct import {
	struct store *store, source;
	size_t n;
	const char *path; /* the layer's, for what is found in it */
	bool told;
};

/* Refuse a layer store of overlay's. Returns 0 or -EEXIST (logged). */
static int check_driver(const struct store *source)
{
	_cleanup_close_ int fd = openat(source->fd, "driver", O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	char said[16] = "";

	if (fd < 0 ? errno != ENOENT : read(fd, said, sizeof(said) - 1) < 0)
		return log_errno(-errno, "read '%s/driver'", source->dir);
	if (strcmp(said, "overlay\n") != 0)
		return 0;
	return log_refuse(-EEXIST, "'%s' already is a layer store, of overlay's layers", source->dir);
}

static int open_source(const char *dir, struct store *ret)
{
	int r;

	*ret = (struct store){ .fd = -EBADF, .lock = -EBADF, .delta.format = DELTA_AUFS };
	ret->dir = realpath(dir, NULL);
	if (!ret->dir)
		return log_errno(-errno, "store '%s'", dir);
	ret->fd = open(ret->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (ret->fd < 0)
		return log_errno(-errno, "store '%s'", dir);
	/* It may be a layer store by now, with more than the three directories. */
	r = store_is_docker(ret);
	if (r < 0)
		return r;
	if (r == 0)
		return log_refuse(-EINVAL,
				  "'%s' is not a store of Docker's aufs driver: it needs layers/, diff/ and mnt/", dir);
	return check_driver(ret);
}

static void close_source(struct store *source)
{
	cleanup_close(&source->fd);
	free(source->dir);
}

/* Log the first entry that is not representable in the other format. */
static void log_not_representable(struct convert *convert, enum convert_kind kind, const char *path, const char *why)
{
	struct import *import = convert->arg;

	if (kind != CONVERT_FOREIGN || import->told)
		return;
	import->told = true;
	log_error("'%s/%s': %s", import->path, path, why);
}

static void begin(struct convert *convert, struct import *import, const char *path, const int *lowers, size_t n)
{
	*convert = (struct convert){ .lowers = lowers, .nlowers = n, .found = log_not_representable, .arg = import };
	convert_begin(convert, DELTA_OVERLAY, false);
	import->path = path;
	import->told = false;
}

/* Look through a layer; one that lxc-bdev convert has converted already stays. */
static int look(struct convert *convert, struct import *import, int fd)
{
	int r = check_has_format(&convert->from, fd);

	if (r)
		r = convert_look(convert, fd);
	return r < 0 && !import->told ? log_errno(r, "'%s/%s'", import->path, convert->copy.error) : r;
}

static int copy_contents_of(struct import *import, int from, const int *lowers, size_t n, const char *path, int to)
{
	_cleanup_free_ struct convert *convert = xcalloc(1, sizeof(*convert));
	int r;

	begin(convert, import, path, lowers, n);
	if (import->store->delta.format == DELTA_AUFS) {
		r = copy_tree(from, to, &convert->copy);
	} else {
		r = look(convert, import, from);
		if (r < 0)
			return r;
		r = convert_tree(convert, from, to, false);
	}
	return r < 0 ? log_errno(r, "copy '%s/%s'", path, convert->copy.error) : 0;
}

static int copy_layer(void *arg, const char *path, const int *lowers, size_t n)
{
	struct import *import = arg;
	const char *id = strrchr(path, '/') + 1, *why;
	struct staging stage = { .fd = -EBADF };
	_cleanup_close_ int from = -EBADF;
	struct layer layer;
	uint64_t size = 0;
	int r;

	if (store_check_id(id) < 0)
		return -EINVAL;
	r = layer_exists(import->store, id);
	if (r)
		return r < 0 ? r : 0;
	r = layer_read_unchecked(&import->source, id, &layer, &why);
	if (r < 0)
		r = log_refuse(r, "'%s/layers/%s': %s", import->source.dir, id, why ?: strerror(-r));
	from = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (r == 0 && from < 0)
		r = log_errno(-errno, "open '%s'", path);
	if (r == 0)
		r = staging_create(import->store, &stage);
	if (r == 0)
		r = copy_contents_of(import, from, lowers, n, path, stage.fd);
	if (r == 0 && (r = diffsize(&import->store->delta, stage.fd, &size)) < 0)
		(void)log_errno(r, "size of layer '%s'", id);
	if (r == 0)
		r = layer_add(import->store, id, layer.n ? layer.lowers[0] : NULL, false, size, &stage);
	staging_discard(import->store, &stage);
	layer_clear(&layer);
	import->n += r == 0;
	return r;
}

int import_copy(const char *dir, struct store *store, size_t *ret_n)
{
	struct import import = { .store = store };
	int r = open_source(dir, &import.source);

	if (r == 0 && strcmp(import.source.dir, store->dir) == 0)
		r = log_refuse(-EINVAL, "'%s' cannot be copied to itself", store->dir);
	if (r == 0)
		r = aufsstore_each(import.source.dir, copy_layer, &import);
	close_source(&import.source);
	*ret_n = import.n;
	return r;
}

/* Check before anything is changed: all entries are representable, and the layer has a valid ID. */
static int look_layer(void *arg, const char *path, const int *lowers, size_t n)
{
	_cleanup_free_ struct convert *convert = xcalloc(1, sizeof(*convert));
	_cleanup_close_ int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct import *import = arg;

	if (store_check_id(strrchr(path, '/') + 1) < 0)
		return -EINVAL;
	if (fd < 0)
		return log_errno(-errno, "open '%s'", path);
	import->n++;
	begin(convert, import, path, lowers, n);
	if (import->store->delta.format == DELTA_AUFS) {
		if (check_has_format(&convert->from, fd) == 0 && check_has_format(&convert->to, fd) == 1)
			return log_refuse(
				-EINVAL,
				"'%s' is in overlay format; convert the store: lxc-bdev layer import --aufs=%s "
				"--driver=overlay",
				path, import->source.dir);
		return 0;
	}
	return look(convert, import, fd);
}

/* Check that nobody uses the layer: all are checked before the first is changed. Returns 0 or -errno (logged). */
static int prepare_layer(void *arg, const char *path, const int *lowers, size_t n)
{
	(void)arg;
	(void)lowers;
	(void)n;
	return convert_prepare(AT_FDCWD, path, false);
}

static int convert_layer(void *arg, const char *path, const int *lowers, size_t n)
{
	_cleanup_free_ struct convert *convert = xcalloc(1, sizeof(*convert));
	struct import *import = arg;

	begin(convert, import, path, lowers, n);
	import->n++;
	return convert_in_place(convert, AT_FDCWD, path);
}

int import_in_place(const char *dir, const char *driver, size_t *ret_n)
{
	struct store target = { .delta.format = strcmp(driver, "aufs") == 0 ? DELTA_AUFS : DELTA_OVERLAY }, store;
	struct import import = { .store = &target };
	bool begun = false;
	int r;

	*ret_n = 0;
	r = open_source(dir, &import.source);
	if (r == 0)
		r = store_open_docker(import.source.dir, &store, &begun);
	if (r < 0) {
		close_source(&import.source);
		return r;
	}
	r = store_lock(&store);
	/* An interrupted conversion has left some layers in the other format. */
	if (r == 0 && !begun)
		r = aufsstore_each(store.dir, look_layer, &import);
	if (r == 0 && target.delta.format == DELTA_OVERLAY) {
		import.n = 0;
		r = aufsstore_each(store.dir, prepare_layer, &import);
	}
	if (r == 0 && target.delta.format == DELTA_OVERLAY) {
		r = store_write(&store, ".", "driver", STORE_CONVERTING "\n");
		if (r == 0)
			r = aufsstore_each(store.dir, convert_layer, &import);
	}
	if (r == 0 && begun && target.delta.format == DELTA_AUFS)
		r = log_refuse(-EINVAL, "'%s' is half converted to overlay; finish that", store.dir);
	if (r == 0)
		r = store_write(&store, ".", "driver", target.delta.format == DELTA_AUFS ? "aufs\n" : "overlay\n");
	if (r == 0 && target.delta.format == DELTA_AUFS && !aufs_is_loaded())
		log_warn("'%s' is in aufs format, and this kernel has no aufs; to convert it: lxc-bdev "
			 "layer import --aufs=%s --driver=overlay",
			 store.dir, store.dir);
	store_unlock(&store);
	store_close(&store);
	close_source(&import.source);
	*ret_n = import.n;
	return r;
}
