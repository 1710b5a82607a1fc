/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * squash - several layers become one.
 *
 * The lowest is copied, and then each next one onto what is there: what it has
 * replaces what is of that name, directories are merged, what it removed goes,
 * and is said to be removed if there is something below that it may be in. A
 * directory in the place of anything else, or of a removed one, must be opaque:
 * as one layer, it would show what that took away.
 */
#include "squash.h"
#include "../base/cleanup.h"
#include "../base/copy.h"
#include "../base/log.h"
#include "../base/remove.h"
#include "../delta/aufs-opaque.h"
#include "../delta/changes.h"
#include "users.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#define INSIDE 1U /* walk_dir's state: an opaque directory of the copy, or below one */

struct squash {
	struct delta delta;
	bool base;
	int top; /* of the copy */
	struct copy_form form;
	char list[XATTR_LIST_MAX];
};

/* What the copy has of this name. */
enum there { THERE_NOTHING, THERE_DIR, THERE_OTHER, THERE_WHITEOUT };

static int by_name(const void *name, const void *entry)
{
	return strcmp(name, ((const struct delta_entry *)entry)->name);
}

static enum there look(const struct delta_dir *dir, const char *name)
{
	const struct delta_entry *entry = dir->n ? bsearch(name, dir->entries, dir->n, sizeof(*entry), by_name) : NULL;

	if (!entry)
		return THERE_NOTHING;
	/* What we wrote has no two of one name. */
	return entry->kind == DELTA_WHITEOUT ? THERE_WHITEOUT : entry->type == DT_DIR ? THERE_DIR : THERE_OTHER;
}

/* Take the name out of the copy. 0 or -errno. */
static int take_away(const struct squash *squash, int to, const char *name, enum there there)
{
	_cleanup_free_ char *whiteout = NULL;

	if (there == THERE_NOTHING)
		return 0;
	if (there == THERE_DIR)
		return remove_tree(to, name, NULL);
	if (there == THERE_WHITEOUT && squash->delta.form == DELTA_AUFS)
		whiteout = xasprintf(".wh.%s", name);
	return unlinkat(to, whiteout ?: name, 0) < 0 && errno != ENOENT ? -errno : 0;
}

/* Nothing of what the copy has in this directory is left. 0 or -errno. */
static int empty(int to)
{
	int again = openat(to, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
	DIR *dir = again < 0 ? NULL : fdopendir(again);
	struct dirent *entry = NULL;

	if (!dir) {
		r = -errno;
		cleanup_close(&again);
		return r;
	}
	while (r == 0 && (errno = 0, entry = readdir(dir))) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (unlinkat(to, entry->d_name, 0) < 0)
			r = errno == EISDIR ? remove_tree(to, entry->d_name, NULL) : -errno;
	}
	if (r == 0 && !entry)
		r = -errno;
	(void)closedir(dir);
	return r;
}

/* The copy's directory had attributes of a lower one: they go, save the form's own. 0 or -errno. */
static int strip(struct squash *squash, int to)
{
	ssize_t n = flistxattr(to, squash->list, sizeof(squash->list));

	if (n < 0)
		return errno == EOPNOTSUPP ? 0 : -errno;
	for (const char *key = squash->list; key < squash->list + n; key += strlen(key) + 1)
		if (!delta_owns_xattr(&squash->delta, key) && fremovexattr(to, key) < 0 && errno != ENODATA &&
		    errno != EOPNOTSUPP)
			return -errno;
	return 0;
}

/* Its contents are below, under another name, or its data is: a copy would lose it. 1, 0 or -errno. */
static int points_below(const struct squash *squash, const struct walk *walk, const char *name)
{
	const char *prefix = delta_prefix(&squash->delta);
	static const char *const keys[] = { "redirect", "metacopy" };
	char path[64 + NAME_MAX];

	if (squash->delta.form == DELTA_AUFS)
		return strncmp(name, ".wh.", 4) == 0;
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", walk->fd, name);
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		_cleanup_free_ char *key = xasprintf("%s%s", prefix, keys[i]);

		if (lgetxattr(path, key, NULL, 0) >= 0)
			return 1;
		if (errno != ENODATA && errno != EOPNOTSUPP)
			return -errno;
	}
	return 0;
}

static int make_dir(struct squash *squash, int to, const char *name, bool opaque)
{
	_cleanup_close_ int fd = -EBADF;

	if (mkdirat(to, name, 0700) < 0)
		return -errno;
	if (!opaque || squash->base)
		return 0;
	fd = openat(to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : delta_opaque(&squash->delta, fd);
}

static int merge_entry(struct squash *squash, struct walk *walk, int to, const struct delta_dir *before,
		       const struct delta_entry *entry)
{
	enum there there = look(before, entry->name);
	int r = 0;

	if (entry->kind == DELTA_FOREIGN && (r = points_below(squash, walk, entry->name)))
		return r < 0 ? r : -EOPNOTSUPP;
	if (entry->type == DT_DIR && entry->kind != DELTA_WHITEOUT && entry->kind != DELTA_HIDDEN) {
		if (there != THERE_DIR) {
			r = take_away(squash, to, entry->name, there);
			if (r == 0)
				r = make_dir(squash, to, entry->name, there != THERE_NOTHING);
		}
		return r < 0 ? r : copy_keep(walk, entry->name, entry->type);
	}
	if (entry->kind == DELTA_HIDDEN)
		return 0;
	r = take_away(squash, to, entry->name, there);
	if (r < 0 || entry->kind != DELTA_WHITEOUT)
		return r < 0 ? r : copy_keep(walk, entry->name, entry->type);
	/* In an opaque directory, or below one, it would take nothing away, and show. */
	return squash->base || (walk->here->state & INSIDE)
		       ? 0
		       : delta_whiteout(&squash->delta, squash->top, to, entry->name);
}

static int merge_dir(struct copy_form *form, struct walk *walk, int to)
{
	struct squash *squash = form->arg;
	struct delta_dir dir, before = { 0 };
	bool top = !walk->here->parent;
	int r = delta_read(&squash->delta, walk->fd, top, &dir);

	if (r == 0 && !top && dir.foreign && (r = points_below(squash, walk, ".")))
		r = walk_failed(walk, "", r < 0 ? r : -EOPNOTSUPP);
	if (r == 0)
		r = strip(squash, to);
	if (r == 0 && dir.opaque) {
		r = empty(to);
		if (r == 0 && !squash->base)
			r = delta_opaque(&squash->delta, to);
	}
	if (r == 0)
		r = delta_read(&squash->delta, to, top, &before);
	if (before.opaque)
		walk->here->state |= INSIDE;
	for (size_t i = 0; r == 0 && i < dir.n; i++) {
		r = merge_entry(squash, walk, to, &before, &dir.entries[i]);
		if (r < 0 && !*walk->error)
			(void)walk_failed(walk, dir.entries[i].name, r);
	}
	delta_dir_clear(&before);
	delta_dir_clear(&dir);
	return r;
}

static bool keeps(const struct copy_form *form, const char *xattr)
{
	const struct squash *squash = form->arg;

	return !delta_owns_xattr(&squash->delta, xattr);
}

int squash(const struct delta *delta, const int *layers, size_t n, const struct below *below, int to)
{
	_cleanup_free_ struct squash *squash = xcalloc(1, sizeof(*squash));
	_cleanup_free_ struct copy *copy = xcalloc(1, sizeof(*copy));
	int r = 0;

	squash->delta = *delta;
	squash->base = below && !below->n;
	squash->top = to;
	squash->form = (struct copy_form){ .enter = merge_dir, .keeps = keeps, .merge = true, .arg = squash };
	for (size_t i = n; r == 0 && i-- > 0;)
		r = copy_tree_as(layers[i], to, copy, &squash->form);
	if (r == 0 && below && delta->form == DELTA_AUFS)
		r = settle_aufs(to, below->lowers, below->n, copy->error);
	if (r == -EOPNOTSUPP)
		return log_refuse(
			-EINVAL,
			"squash: '/%s' was renamed or changed by a mount with redirect_dir, metacopy or dirren: "
			"what it is lies below, and cannot be told",
			copy->error);
	return r < 0 ? log_errno(r, "squash: '/%s'", copy->error) : 0;
}

/* In layer->below, or layer->n. */
static size_t place_of(const struct layer *layer, const char *id)
{
	size_t i = 0;

	while (i < layer->n && strcmp(layer->below[i], id) != 0)
		i++;
	return i;
}

/* The layers up to the n-th below, held, become the new one. */
static int make(struct store *store, const struct layer *layer, size_t n, const char *id)
{
	struct stage_dir stage = { .fd = -EBADF };
	struct below below = { .delta = &store->delta, .n = layer->n - (n + 1) };
	int *all = NULL, *held = NULL, r;
	uint64_t size = 0;
	size_t nall = 0;

	r = store_hold(store, layer, &held);
	if (r < 0)
		return r;
	below.lowers = held + n + 1;
	*ARRAY_ADD(all, nall) = r;
	for (size_t i = 0; i <= n; i++)
		*ARRAY_ADD(all, nall) = dup(held[i]);
	r = store_stage(store, &stage);
	if (r == 0)
		r = squash(&store->delta, all, nall, &below, stage.fd);
	if (r == 0 && (r = diffsize(&store->delta, stage.fd, &size)) < 0)
		(void)log_errno(r, "size of layer '%s'", id);
	if (r == 0)
		r = store_add(store, id, n + 1 < layer->n ? layer->below[n + 1] : NULL, false, size, &stage);
	store_unstage(store, &stage);
	store_let_go(held, layer->n);
	store_let_go(all, nall);
	return r;
}

int squash_layers(struct store *store, const char *from, const char *top, const char *id)
{
	struct layer layer;
	struct inuse inuse;
	size_t n;
	int r = store_check_id(id);

	if (r == 0 && (r = store_has(store, id)) > 0)
		return log_refuse(-EEXIST, "layer '%s' exists", id);
	if (r < 0)
		return r;
	r = store_read(store, top, &layer);
	n = place_of(&layer, from);
	if (r == 0 && n == layer.n)
		r = log_refuse(-EINVAL, "layer '%s' does not lie on '%s'", top, from);
	if (r == 0)
		r = inuse_look(store, top, false, &inuse);
	if (r == 0 && inuse.writable)
		r = log_refuse(-EBUSY, "layer '%s' is mounted, and written to; put it first", top);
	if (r == 0)
		r = make(store, &layer, n, id);
	layer_clear(&layer);
	return r;
}
