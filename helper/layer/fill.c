/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fill - layers with contents: from a tar, from a container's delta, from several layers.
 *
 * The contents are written into a staging directory, with no lock held but those on the lower layers' directories: so
 * it does not matter how long the writer of a tar takes.
 */
#include "fill.h"
#include "add.h"
#include "dir-lock.h"
#include "users.h"
#include "../base/cleanup.h"
#include "../base/log.h"
#include "../delta/size.h"
#include "../delta/convert.h"
#include "../delta/copy-delta.h"
#include "../delta/merge.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

/* --- from a tar --- */

/* Choose the parent: that of the existing layer, or the given one. Returns 0 or -errno (logged). */
static int choose_parent(struct store *store, const char *id, const char *parent, char **ret)
{
	struct layer layer;
	int r = store_check_id(id);

	*ret = NULL;
	if (r < 0)
		return r;
	r = layer_exists(store, id);
	if (r < 0)
		return r;
	if (r == 0) {
		*ret = parent ? xstrdup(parent) : NULL;
		return 0;
	}
	r = layer_read(store, id, &layer);
	if (r == 0 && (parent || layer.n))
		*ret = xstrdup(parent ?: layer.lowers[0]);
	layer_clear(&layer);
	return r < 0 ? r : layer_may_fill(store, id, *ret);
}

/* Return whether the directory has a file of this name, with `text` in its first bytes (NULL: any). */
static bool has_file(int dir, const char *name, const char *text)
{
	_cleanup_close_ int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	char begin[4096];
	struct stat st;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return false;
	if (!text)
		return true;
	n = pread(fd, begin, sizeof(begin), 0);
	return n > 0 && memmem(begin, (size_t)n, text, strlen(text));
}

/* Refuse an image, which has layers in it. Returns 0 or -EINVAL (logged). */
static int check_contents(int dir, const char *name)
{
	if (!has_file(dir, "oci-layout", NULL) && !has_file(dir, "manifest.json", "\"Layers\""))
		return 0;
	return log_refuse(
		-EINVAL,
		"%s%s%s is an image, not a layer: unpack it, and apply the layers that its manifest names, lowest "
		"first",
		name ? "'" : "", name ?: "the tar", name ? "'" : "");
}

int fill_from_tar(struct store *store, const char *id, const char *parent, struct untar *how, int input)
{
	struct staging stage = { .fd = -EBADF };
	_cleanup_free_ char *on = NULL;
	int *parents = NULL, r;
	size_t n = 0;

	r = choose_parent(store, id, parent, &on);
	if (r == 0)
		r = dirlock_stack(store, on, &parents, &n);
	if (r == 0)
		r = staging_create(store, &stage);
	if (r == 0)
		r = staging_inherit(store, &stage, n ? parents[0] : -EBADF, false);
	if (r == 0) {
		how->delta = store->delta;
		how->parents = parents;
		how->nparents = n;
		r = untar(how, input, stage.fd);
	}
	if (r == 0)
		r = check_contents(stage.fd, how->name);
	if (r == 0)
		r = layer_add(store, id, on, false, how->size, &stage);
	staging_discard(store, &stage);
	dirlock_release(parents, n);
	return r;
}

/* --- from a delta --- */

/* The first entry that is not representable in the other whiteout format. */
struct foreign {
	const char *name;
	bool said;
};

static void found(struct convert *convert, enum convert_kind kind, const char *path, const char *why)
{
	struct foreign *foreign = convert->arg;

	if (kind == CONVERT_FOREIGN && !foreign->said)
		log_error("'%s%s%s': %s", foreign->name, *path ? "/" : "", path, why);
	foreign->said |= kind == CONVERT_FOREIGN;
}

static int copy_converted(const struct delta *delta, int from, int to, const char *name, const int *lowers, size_t n,
			  struct copy *copy)
{
	struct foreign foreign = { .name = name };
	struct convert convert;
	int r;

	convert_begin(&convert, delta->format, delta->user);
	convert.lowers = lowers;
	convert.nlowers = n;
	convert.found = found;
	convert.arg = &foreign;
	convert.copy.tick = copy->tick;
	convert.copy.arg = copy->arg;
	r = convert_look(&convert, from);
	if (r == 0)
		r = convert_tree(&convert, from, to, false);
	if (r < 0 && !foreign.said)
		r = log_errno(r, "copy '%s%s%s'", name, *convert.copy.error ? "/" : "", convert.copy.error);
	return r;
}

int fill_from_delta(struct store *store, const char *id, const char *parent, enum whiteout_format format, int delta,
		    const char *name, struct copy *copy)
{
	struct staging stage = { .fd = -EBADF };
	int *lowers = NULL, r;
	uint64_t size = 0;
	size_t n = 0;

	r = dirlock_stack(store, parent, &lowers, &n);
	if (r == 0)
		r = staging_create(store, &stage);
	if (r == 0 && format == store->delta.format)
		r = copy_delta(&store->delta, delta, stage.fd, name, copy);
	else if (r == 0)
		r = copy_converted(&store->delta, delta, stage.fd, name, lowers, n, copy);
	if (r == 0 && (r = diffsize(&store->delta, stage.fd, &size)) < 0)
		r = log_errno(r, "size of the layer");
	if (r == 0)
		r = layer_add(store, id, parent, false, size, &stage);
	staging_discard(store, &stage);
	dirlock_release(lowers, n);
	return r;
}

/* --- from several layers --- */

/* Return the index of an ID in layer->lowers, or layer->n. */
static size_t place_of(const struct layer *layer, const char *id)
{
	size_t i = 0;

	while (i < layer->n && strcmp(layer->lowers[i], id) != 0)
		i++;
	return i;
}

/* Merge the layer and its n nearest lower layers, and one more, into a new one. */
static int squash(struct store *store, const struct layer *layer, size_t n, const char *id, struct copy *copy)
{
	struct staging stage = { .fd = -EBADF };
	struct lowers lowers = { .delta = &store->delta, .n = layer->n - (n + 1) };
	int *all = NULL, *held = NULL, r;
	uint64_t size = 0;
	size_t nall = 0;

	r = dirlock_shared(store, layer, &held);
	if (r < 0)
		return r;
	lowers.fds = held + n + 1;
	*ARRAY_ADD(all, nall) = r;
	for (size_t i = 0; i <= n; i++)
		*ARRAY_ADD(all, nall) = dup(held[i]);
	r = staging_create(store, &stage);
	if (r == 0)
		r = merge_deltas(&store->delta, all, nall, &lowers, stage.fd, copy);
	if (r == 0 && (r = diffsize(&store->delta, stage.fd, &size)) < 0)
		(void)log_errno(r, "size of layer '%s'", id);
	if (r == 0)
		r = layer_add(store, id, n + 1 < layer->n ? layer->lowers[n + 1] : NULL, false, size, &stage);
	staging_discard(store, &stage);
	dirlock_release(held, layer->n);
	dirlock_release(all, nall);
	return r;
}

int fill_from_layers(struct store *store, const char *from, const char *top, const char *id, struct copy *copy)
{
	struct layer layer;
	struct layer_use use;
	size_t n;
	int r = store_check_id(id);

	if (r == 0 && (r = layer_exists(store, id)) > 0)
		return log_refuse(-EEXIST, "layer '%s' exists", id);
	if (r < 0)
		return r;
	r = layer_read(store, top, &layer);
	n = place_of(&layer, from);
	if (r == 0 && n == layer.n)
		r = log_refuse(-EINVAL, "layer '%s' does not depend on '%s'", top, from);
	if (r == 0)
		r = users_look(store, top, false, &use);
	if (r == 0 && use.writable)
		r = log_refuse(-EBUSY, "layer '%s' is mounted writable; put it first", top);
	if (r == 0)
		r = squash(store, &layer, n, id, copy);
	layer_clear(&layer);
	return r;
}
