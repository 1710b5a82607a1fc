/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * delta - read a directory of a delta, in aufs format or in overlay's.
 *
 * Names come from readdir, and are looked at one by one only where they may be
 * whiteouts (devices), or have attributes with a meaning to overlay.
 */
#include "delta.h"
#include "../base/cleanup.h"
#include "../base/path.h"
#include "aufs-names.h"
#include "xattr.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

static void set(struct delta_entry *entry, enum delta_kind kind, const char *why)
{
	entry->kind = kind;
	entry->why = why;
}

/* Classify a name that begins with `.wh.`. *ret_opaque: it makes the directory opaque, and is no entry. Returns 0 or
 * -errno. */
static int read_wh(int fd, struct delta_entry *entry, bool *ret_opaque)
{
	const char *name = entry->name + strlen(WH);
	struct stat st;

	*ret_opaque = false;
	if (strncmp(entry->name, WH_DR, strlen(WH_DR)) == 0) {
		set(entry, DELTA_FOREIGN, "aufs renamed directories here (dirren), which only aufs can resolve");
	} else if (strcmp(entry->name, WH_HINO) == 0) {
		if (fstatat(fd, entry->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			return -errno;
		if (S_ISREG(st.st_mode) && st.st_size)
			set(entry, DELTA_FOREIGN, "aufs renamed directories (dirren), which only aufs can resolve");
		else
			set(entry, DELTA_HIDDEN, NULL);
	} else if (is_aufs_own_name(entry->name) && !is_opaque_name(entry->name)) {
		set(entry, DELTA_HIDDEN, NULL);
	} else if (!*name || strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
		set(entry, DELTA_FOREIGN, "a whiteout without a name");
	} else if (entry->type != DT_REG) {
		set(entry, DELTA_FOREIGN, "an aufs whiteout is a regular file, and this is not");
	} else if (is_opaque_name(entry->name)) {
		*ret_opaque = true;
	} else {
		set(entry, DELTA_WHITEOUT, NULL);
		(void)memmove(entry->name, name, strlen(name) + 1);
	}
	if (entry->kind == DELTA_HIDDEN)
		entry->why = "aufs' own";
	return 0;
}

/* Classify an ordinary name of aufs's, which may have a meaning to overlay. Returns 0 or -errno. */
static int read_aufs(const struct delta *delta, int fd, struct delta_entry *entry)
{
	struct xattrs attributes;
	struct stat st;
	int r;

	if (entry->type == DT_CHR) {
		if (fstatat(fd, entry->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			return -errno;
		if (S_ISCHR(st.st_mode) && st.st_rdev == makedev(0, 0)) {
			set(entry, DELTA_FOREIGN, "a character device 0:0 is a whiteout to overlay");
			return 0;
		}
	}
	/* A directory's attributes are read with it. Special files cannot have user.*. */
	if (entry->type == DT_DIR || (delta->user && entry->type != DT_REG))
		return 0;
	r = xattr_read(delta, fd, entry->name, &attributes);
	if (r == 0 && attributes.foreign)
		set(entry, DELTA_FOREIGN, attributes.foreign);
	return r;
}

/* Classify a name of overlay's. exes: the directory has whiteouts that are files with an attribute. Returns 0 or
 * -errno.
 */
static int read_overlay(const struct delta *delta, int fd, bool again, bool exes, struct delta_entry *entry)
{
	struct xattrs attributes = { 0 };
	struct stat st;
	int r = 0;

	if (entry->type == DT_CHR || (exes && entry->type == DT_REG)) {
		if (fstatat(fd, entry->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			return -errno;
		if (S_ISCHR(st.st_mode) && st.st_rdev == makedev(0, 0))
			set(entry, DELTA_WHITEOUT, NULL);
		exes &= S_ISREG(st.st_mode) && !st.st_size;
	}
	/* A directory's attributes are read with it. Special files cannot have user.*. */
	if (entry->kind == DELTA_FILE && (!delta->user || entry->type == DT_REG) && (!again || exes))
		r = xattr_read(delta, fd, entry->name, &attributes);
	entry->own = attributes.own;
	if (attributes.whiteout && exes && entry->type == DT_REG)
		set(entry, DELTA_WHITEOUT, NULL);
	else if (attributes.whiteout)
		attributes.foreign = xattr_not_representable("whiteout");
	if (attributes.foreign)
		set(entry, DELTA_FOREIGN, attributes.foreign);
	else if (is_whiteout_name(entry->name))
		set(entry, DELTA_FOREIGN, "aufs reserves names that begin with .wh.");
	else if (strlen(entry->name) > AUFS_MAX)
		set(entry, DELTA_FOREIGN, "aufs takes no name of more than 242 bytes");
	return r;
}

static int compare(const void *a, const void *b)
{
	const struct delta_entry *x = a, *y = b;
	int r = strcmp(x->name, y->name);

	return r ?: (y->kind == DELTA_WHITEOUT) - (x->kind == DELTA_WHITEOUT);
}

/* Read all names at fd, with their types. Returns 0 or -errno. */
static int read_names(int fd, struct delta_dir *dir)
{
	_Alignas(struct dirent64) char buffer[32 << 10];
	struct stat st;
	ssize_t n;

	if (lseek(fd, 0, SEEK_SET) < 0)
		return -errno;
	while ((n = getdents64(fd, buffer, sizeof(buffer))) > 0) {
		for (const struct dirent64 *next = (void *)buffer; (char *)next < buffer + n;
		     next = (const void *)((const char *)next + next->d_reclen)) {
			struct delta_entry *entry;

			if (strcmp(next->d_name, ".") == 0 || strcmp(next->d_name, "..") == 0)
				continue;
			entry = ARRAY_ADD(dir->entries, dir->n);
			entry->name = xstrdup(next->d_name);
			entry->type = next->d_type;
			if (entry->type == DT_UNKNOWN) {
				if (fstatat(fd, entry->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
					return -errno;
				entry->type = IFTODT(st.st_mode);
			}
			entry->kind = entry->type == DT_DIR ? DELTA_DIR : DELTA_FILE;
		}
	}
	return n < 0 ? -errno : 0;
}

/* Classify the names of an aufs directory. A name that a whiteout in it hides needs no further look. Returns 0 or
 * -errno. */
static int read_aufs_dir(const struct delta *delta, int fd, struct delta_dir *dir)
{
	struct xattrs attributes;
	size_t n = 0;
	int r = 0;

	for (size_t i = 0; i < dir->n; i++) {
		bool opaque = false;

		if (r == 0 && is_whiteout_name(dir->entries[i].name))
			r = read_wh(fd, &dir->entries[i], &opaque);
		dir->opaque |= opaque;
		if (opaque)
			free(dir->entries[i].name);
		else
			dir->entries[n++] = dir->entries[i];
	}
	dir->n = n;
	if (n)
		qsort(dir->entries, n, sizeof(*dir->entries), compare);
	for (size_t i = 0; r == 0 && i < n; i++) {
		struct delta_entry *entry = &dir->entries[i];

		if (entry->kind == DELTA_WHITEOUT || is_whiteout_name(entry->name))
			continue;
		if (i && entry[-1].kind == DELTA_WHITEOUT && strcmp(entry[-1].name, entry->name) == 0)
			set(entry, DELTA_HIDDEN, "a whiteout in the same directory hides it");
		else if (!dir->again || entry->type == DT_CHR)
			r = read_aufs(delta, fd, entry);
	}
	if (r == 0)
		r = xattr_read(delta, fd, NULL, &attributes);
	if (r == 0)
		dir->foreign = attributes.foreign;
	return r;
}

static int read_overlay_dir(const struct delta *delta, int fd, bool top, struct delta_dir *dir)
{
	int opaque = xattr_opaque_mark(delta, fd), merged = xattr_is_merged(delta, fd);
	struct xattrs attributes;
	int r = xattr_read(delta, fd, NULL, &attributes);

	r = opaque < 0 ? opaque : merged < 0 ? merged : r;
	dir->own = attributes.own;
	dir->foreign = attributes.whiteout ? xattr_not_representable("whiteout") : attributes.foreign;
	dir->opaque = opaque == 'y' && !top;
	dir->merged = merged == 1;
	if (dir->n)
		qsort(dir->entries, dir->n, sizeof(*dir->entries), compare);
	for (size_t i = 0; r == 0 && i < dir->n; i++)
		r = read_overlay(delta, fd, dir->again, opaque == 'x', &dir->entries[i]);
	return r;
}

static int read_dir(const struct delta *delta, int fd, bool top, struct delta_dir *ret)
{
	int r = read_names(fd, ret);

	if (r < 0)
		return r;
	return delta->format == DELTA_AUFS ? read_aufs_dir(delta, fd, ret) : read_overlay_dir(delta, fd, top, ret);
}

int delta_read(const struct delta *delta, int fd, bool top, struct delta_dir *ret)
{
	*ret = (struct delta_dir){ 0 };
	return read_dir(delta, fd, top, ret);
}

int delta_read_again(const struct delta *delta, int fd, bool top, struct delta_dir *ret)
{
	*ret = (struct delta_dir){ .again = true };
	return read_dir(delta, fd, top, ret);
}

void delta_dir_clear(struct delta_dir *dir)
{
	for (size_t i = 0; i < dir->n; i++)
		free(dir->entries[i].name);
	free(dir->entries);
	*dir = (struct delta_dir){ 0 };
}

int delta_is_opaque(const struct delta *delta, int fd)
{
	int mark;

	if (delta->format == DELTA_AUFS)
		return path_has(fd, WH_OPQ, S_IFREG);
	mark = xattr_opaque_mark(delta, fd);
	return mark < 0 ? mark : mark == 'y';
}

int delta_is_marked(const struct delta *delta, int top)
{
	struct xattrs attributes;
	int r;

	if (delta->format == DELTA_AUFS)
		return path_has(top, WH_BASE, S_IFREG);
	r = xattr_read(delta, top, NULL, &attributes);
	return r < 0 ? r : attributes.own;
}

int delta_aufs_own(int fd, const char **ret)
{
	static const char *const names[] = { WH_BASE, WH_PLNK, WH_ORPH };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (faccessat(fd, names[i], F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
			*ret = names[i];
			return 1;
		} else if (errno != ENOENT) {
			return -errno;
		}
	return 0;
}
