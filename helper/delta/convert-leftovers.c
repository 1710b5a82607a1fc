/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * convert-leftovers - remove the old tree, or the leftovers of an interrupted
 * conversion.
 *
 * Overlay's own attributes are removed only from the files of an old tree that was
 * replaced: the new tree has hard links to the same files.
 */
#include "convert-leftovers.h"
#include "../base/cleanup.h"
#include "../base/remove.h"
#include "xattr.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#define OPEN_DIR (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

static void strip(int dirfd, const char *name, const struct delta *delta)
{
	char path[sizeof("/proc/self/fd/") + 11 + NAME_MAX + 1];
	_cleanup_free_ char *list = NULL;
	ssize_t n;

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", dirfd, name);
	n = llistxattr(path, NULL, 0);
	if (n <= 0)
		return;
	list = xcalloc(1, (size_t)n);
	n = llistxattr(path, list, (size_t)n);
	/* A whiteout is no file of the new tree: another link to it is in somebody's copy of this delta. */
	for (const char *key = list; key < list + n; key += strlen(key) + 1)
		if (xattr_is_own(delta, key) && strcmp(strrchr(key, '.'), ".whiteout") == 0)
			return;
	for (const char *key = list; key < list + n; key += strlen(key) + 1)
		if (xattr_is_own(delta, key))
			(void)lremovexattr(path, key);
}

static void strip_trusted(int dirfd, const char *name)
{
	strip(dirfd, name, &(struct delta){ .format = DELTA_OVERLAY });
}

static void strip_user(int dirfd, const char *name)
{
	strip(dirfd, name, &(struct delta){ .format = DELTA_OVERLAY, .user = true });
}

char *convert_left_tree(const struct delta *old, ino_t ino)
{
	return xasprintf("%s.%llu",
			 old->format == DELTA_AUFS ? "aufs"
			 : old->user		   ? "user"
						   : "overlay",
			 (unsigned long long)ino);
}

static int remove_one(int work, const char *name)
{
	const char *dot = strchr(name, '.');
	bool old = false;
	struct stat st;

	if (fstatat(work, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISDIR(st.st_mode))
		return -ENOTDIR;
	if (dot)
		old = strtoull(dot + 1, NULL, 10) != st.st_ino;
	return remove_tree(work, name,
			   !old				       ? NULL
			   : strncmp(name, "overlay.", 8) == 0 ? strip_trusted
			   : strncmp(name, "user.", 5) == 0    ? strip_user
							       : NULL);
}

char *convert_left_name(const char *base)
{
	return xasprintf(".%s.lxc-bdev-convert", base);
}

int convert_left_remove(int parent, const char *base)
{
	_cleanup_free_ char *name = convert_left_name(base);
	_cleanup_close_ int work = openat(parent, name, OPEN_DIR);
	const struct delta any = { .format = DELTA_AUFS };
	struct delta_dir dir = { 0 };
	int r;

	if (work < 0)
		return errno == ENOENT ? 0 : -errno;
	r = delta_read(&any, work, true, &dir);
	for (size_t i = 0; r == 0 && i < dir.n; i++)
		r = remove_one(work, dir.entries[i].name);
	delta_dir_clear(&dir);
	if (r < 0)
		return r;
	return unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT ? 0 : -errno;
}
