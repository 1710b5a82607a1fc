/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * lowers - look up names in lower layers.
 *
 * A base layer's directory may have a hundred thousand names, so nothing here
 * reads a directory: only the names that are asked for are looked up.
 */
#include "lowers.h"
#include "aufs-names.h"
#include "../base/cleanup.h"
#include "xattr.h"

#include <fcntl.h>
#include <sys/xattr.h>

#define OPEN_DIR (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NOATIME | O_CLOEXEC)

static const char *overlay_key(const struct delta *delta, const char *name, char key[static 64])
{
	(void)snprintf(key, 64, "%s.overlay.%s", delta->user ? "user" : "trusted", name);
	return key;
}

static int look(int fd, const char *name, struct statx *ret)
{
	if (statx(fd, name, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, ret) == 0)
		return 1;
	return errno == ENOENT || errno == ENAMETOOLONG ? 0 : -errno;
}

/* Make the directory at fd, which stays the caller's, a part for lowers_is_whiteout(). Returns 0 or -errno. */
static int lowers_part(const struct delta *delta, int fd, struct merged_part *ret)
{
	int mark = delta->format == DELTA_OVERLAY ? xattr_opaque_mark(delta, fd) : 0;

	*ret = (struct merged_part){ .fd = fd, .exes = mark == 'x' };
	return mark < 0 ? mark : 0;
}

int lowers_is_whiteout(const struct delta *delta, const struct merged_part *part, const char *name, struct statx *st)
{
	char path[sizeof("/proc/self/fd/") + 11 + NAME_MAX + 1], key[64];
	struct statx wh;
	int r;

	if (delta->format == DELTA_AUFS) {
		(void)snprintf(path, sizeof(path), WH "%s", name);
		r = look(part->fd, path, &wh);
		return r <= 0 ? r : S_ISREG(wh.stx_mode);
	}
	if (S_ISCHR(st->stx_mode))
		return !st->stx_rdev_major && !st->stx_rdev_minor;
	if (!part->exes || !S_ISREG(st->stx_mode) || st->stx_size)
		return 0;
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", part->fd, name);
	if (lgetxattr(path, overlay_key(delta, "whiteout", key), NULL, 0) >= 0)
		return 1;
	return errno == ENODATA || errno == EOPNOTSUPP ? 0 : -errno;
}

int lowers_set_kind(const struct delta *delta, int fd, struct delta_entry *entry)
{
	struct merged_part part;
	struct statx st = { 0 };
	int r = lowers_part(delta, fd, &part);

	if (r < 0)
		return r;
	if (statx(fd, entry->name, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, &st) < 0)
		return -errno;
	r = delta->format == DELTA_AUFS ? 0 : lowers_is_whiteout(delta, &part, entry->name, &st);
	entry->kind = r ? DELTA_WHITEOUT : S_ISDIR(st.stx_mode) ? DELTA_DIR : DELTA_FILE;
	return r < 0 ? r : 0;
}

/* Look a name up in one part. Returns 1; 0: it does not have it; -ENOENT: it has a whiteout of it; or -errno. */
static int look_part(const struct lowers *lowers, const struct merged_part *part, const char *name, struct statx *ret)
{
	int found = look(part->fd, name, ret), r = 0;

	if (lowers->delta->format == DELTA_AUFS && is_whiteout_name(name))
		return 0; /* aufs shows none of its own names */
	if (found == 1 || (found == 0 && lowers->delta->format == DELTA_AUFS))
		r = lowers_is_whiteout(lowers->delta, part, name, ret);
	return r < 0 ? r : r > 0 ? -ENOENT : found;
}

int lowers_find(const struct lowers *lowers, const struct merged_dir *at, const char *name, struct statx *ret)
{
	for (size_t i = 0; i < at->n; i++) {
		int r = look_part(lowers, &at->parts[i], name, ret);

		if (r)
			return r == -ENOENT ? 0 : r;
	}
	return 0;
}

/* Take over the directory at fd as the next part. Returns 1: it is opaque, and hides the further ones; 0; or -errno. */
static int add_part(const struct lowers *lowers, struct merged_dir *dir, int *fd, bool top)
{
	struct merged_part *part = ARRAY_ADD(dir->parts, dir->n);
	int mark = lowers->delta->format == DELTA_OVERLAY ? xattr_opaque_mark(lowers->delta, *fd) : 0;

	part->fd = TAKE_FD(*fd);
	part->exes = mark == 'x';
	if (lowers->delta->format == DELTA_OVERLAY)
		return mark < 0 ? mark : mark == 'y' && !top;
	return delta_is_opaque(lowers->delta, part->fd);
}

int lowers_top(const struct lowers *lowers, struct merged_dir *ret)
{
	int r = 0;

	*ret = (struct merged_dir){ 0 };
	for (size_t i = 0; r == 0 && i < lowers->n; i++) {
		_cleanup_close_ int fd = openat(lowers->fds[i], ".", OPEN_DIR);

		r = fd < 0 ? -errno : add_part(lowers, ret, &fd, true);
	}
	return r < 0 ? r : 0;
}

int lowers_enter(const struct lowers *lowers, const struct merged_dir *at, const char *name, struct merged_dir *ret)
{
	int r = 0;

	*ret = (struct merged_dir){ 0 };
	for (size_t i = 0; r == 0 && i < at->n; i++) {
		_cleanup_close_ int fd = -EBADF;
		struct statx st;

		r = look_part(lowers, &at->parts[i], name, &st);
		if (r <= 0 || !S_ISDIR(st.stx_mode)) {
			r = r == 1 || r == -ENOENT ? 1 : r;
			continue;
		}
		fd = openat(at->parts[i].fd, name, OPEN_DIR);
		r = fd < 0 ? -errno : add_part(lowers, ret, &fd, false);
	}
	return r < 0 ? r : 0;
}

int lowers_open(const struct lowers *lowers, const struct walk_dir *dir, struct merged_dir *ret)
{
	struct merged_dir next;
	const char **names = NULL;
	size_t n = 0;
	int r;

	for (; dir->parent; dir = dir->parent)
		*ARRAY_ADD(names, n) = dir->name;
	r = lowers_top(lowers, ret);
	while (r == 0 && ret->n && n-- > 0) {
		r = lowers_enter(lowers, ret, names[n], &next);
		merged_dir_clear(ret);
		*ret = next;
	}
	free(names);
	return r;
}

void merged_dir_clear(struct merged_dir *dir)
{
	for (size_t i = 0; i < dir->n; i++)
		(void)close(dir->parts[i].fd);
	free(dir->parts);
	*dir = (struct merged_dir){ 0 };
}
