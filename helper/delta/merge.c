/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * merge - merge several deltas to one.
 *
 * The lowest is copied, and then each next one onto it: its files replace those of
 * the same name, directories are merged, a whiteout removes the name, and is kept
 * if a lower layer may have the name. A directory that replaces a file or a
 * whiteout must be opaque: otherwise the merged layer would show the lower
 * directories that were hidden.
 */
#include "merge.h"
#include "../base/cleanup.h"
#include "../base/copy.h"
#include "../base/log.h"
#include "../base/remove.h"
#include "aufs-opaque.h"
#include "write.h"
#include "aufs-names.h"
#include "xattr.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#define INSIDE 1U /* walk_dir's state: an opaque directory of the copy, or below one */

struct merge {
	struct delta delta;
	bool base;
	int top; /* of the copy */
	struct copy_form form;
	char list[XATTR_LIST_MAX];
};

/* What the copy has under a name. */
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
	/* The copy has no two entries of one name. */
	return entry->kind == DELTA_WHITEOUT ? THERE_WHITEOUT : entry->type == DT_DIR ? THERE_DIR : THERE_OTHER;
}

/* Remove the name from the copy. Returns 0 or -errno. */
static int remove_name(const struct merge *merge, int to, const char *name, enum there there)
{
	_cleanup_free_ char *whiteout = NULL;

	if (there == THERE_NOTHING)
		return 0;
	if (there == THERE_DIR)
		return remove_tree(to, name, NULL);
	if (there == THERE_WHITEOUT && merge->delta.format == DELTA_AUFS)
		whiteout = xasprintf(WH "%s", name);
	return unlinkat(to, whiteout ?: name, 0) < 0 && errno != ENOENT ? -errno : 0;
}

/* Empty the copy's directory. Returns 0 or -errno. */
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

/* Remove the attributes of the copy's directory, save the format's own. Returns 0 or -errno. */
static int strip(struct merge *merge, int to)
{
	ssize_t n = flistxattr(to, merge->list, sizeof(merge->list));

	if (n < 0)
		return errno == EOPNOTSUPP ? 0 : -errno;
	for (const char *key = merge->list; key < merge->list + n; key += strlen(key) + 1)
		if (!xattr_is_own(&merge->delta, key) && fremovexattr(to, key) < 0 && errno != ENODATA &&
		    errno != EOPNOTSUPP)
			return -errno;
	return 0;
}

/* Return 1 if its contents or data are in a lower layer, under another name: a copy would lose them; 0; or -errno. */
static int points_to_lower(const struct merge *merge, const struct walk *walk, const char *name)
{
	const char *prefix = xattr_prefix(&merge->delta);
	static const char *const keys[] = { "redirect", "metacopy" };
	char path[64 + NAME_MAX];

	if (merge->delta.format == DELTA_AUFS)
		return is_whiteout_name(name);
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

static int make_dir(struct merge *merge, int to, const char *name, bool opaque)
{
	_cleanup_close_ int fd = -EBADF;

	if (mkdirat(to, name, 0700) < 0)
		return -errno;
	if (!opaque || merge->base)
		return 0;
	fd = openat(to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : write_opaque(&merge->delta, fd);
}

static int merge_entry(struct merge *merge, struct walk *walk, int to, const struct delta_dir *before,
		       const struct delta_entry *entry)
{
	enum there there = look(before, entry->name);
	int r = 0;

	if (entry->kind == DELTA_FOREIGN && (r = points_to_lower(merge, walk, entry->name)))
		return r < 0 ? r : -EOPNOTSUPP;
	if (entry->type == DT_DIR && entry->kind != DELTA_WHITEOUT && entry->kind != DELTA_HIDDEN) {
		if (there != THERE_DIR) {
			r = remove_name(merge, to, entry->name, there);
			if (r == 0)
				r = make_dir(merge, to, entry->name, there != THERE_NOTHING);
		}
		return r < 0 ? r : copy_keep(walk, entry->name, entry->type);
	}
	if (entry->kind == DELTA_HIDDEN)
		return 0;
	r = remove_name(merge, to, entry->name, there);
	if (r < 0 || entry->kind != DELTA_WHITEOUT)
		return r < 0 ? r : copy_keep(walk, entry->name, entry->type);
	/* In an opaque directory, or below one, it would hide nothing, and be visible. */
	return merge->base || (walk->here->state & INSIDE) ? 0
							   : write_whiteout(&merge->delta, merge->top, to, entry->name);
}

static int merge_dir(struct copy_form *form, struct walk *walk, int to)
{
	struct merge *merge = form->arg;
	struct delta_dir dir, before = { 0 };
	bool top = !walk->here->parent;
	int r = delta_read(&merge->delta, walk->fd, top, &dir);

	if (r == 0 && !top && dir.foreign && (r = points_to_lower(merge, walk, ".")))
		r = walk_failed(walk, "", r < 0 ? r : -EOPNOTSUPP);
	if (r == 0)
		r = strip(merge, to);
	if (r == 0 && dir.opaque) {
		r = empty(to);
		if (r == 0 && !merge->base)
			r = write_opaque(&merge->delta, to);
	}
	if (r == 0)
		r = delta_read(&merge->delta, to, top, &before);
	if (before.opaque)
		walk->here->state |= INSIDE;
	for (size_t i = 0; r == 0 && i < dir.n; i++) {
		r = merge_entry(merge, walk, to, &before, &dir.entries[i]);
		if (r < 0 && !*walk->error)
			(void)walk_failed(walk, dir.entries[i].name, r);
	}
	delta_dir_clear(&before);
	delta_dir_clear(&dir);
	return r;
}

static bool keeps(const struct copy_form *form, const char *xattr)
{
	const struct merge *merge = form->arg;

	return !xattr_is_own(&merge->delta, xattr);
}

int merge_deltas(const struct delta *delta, const int *layers, size_t n, const struct lowers *lowers, int to,
		 struct copy *copy)
{
	_cleanup_free_ struct merge *merge = xcalloc(1, sizeof(*merge));
	int r = 0;

	merge->delta = *delta;
	merge->base = lowers && !lowers->n;
	merge->top = to;
	merge->form = (struct copy_form){ .enter = merge_dir, .keeps = keeps, .merge = true, .arg = merge };
	for (size_t i = n; r == 0 && i-- > 0;)
		r = copy_tree_as(layers[i], to, copy, &merge->form);
	if (r == 0 && lowers && delta->format == DELTA_AUFS)
		r = settle_aufs(to, lowers->fds, lowers->n, copy->error);
	if (r == -EOPNOTSUPP)
		return log_refuse(
			-EINVAL,
			"squash: '/%s' was renamed or changed by a mount with redirect_dir, metacopy or dirren: "
			"its contents are in a lower layer, and cannot be resolved",
			copy->error);
	return r < 0 ? log_errno(r, "squash: '/%s'", copy->error) : 0;
}
