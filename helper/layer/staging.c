/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * staging - the directory of a store in which layers are made, and into which
 * removed ones are moved.
 *
 * Each entry is locked, by flock(2) on itself, by the process that works on it. An
 * entry whose lock is free is a leftover. So nothing needs to be recorded.
 *
 * Leftovers are purged by a process that shares nothing with its parent: no
 * descriptor, no session. If it is killed, the next one goes on.
 */
#include "staging.h"
#include "../base/cleanup.h"
#include "../base/log.h"
#include "../base/remove.h"
#include "../delta/xattr.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>

static char *new_name(void)
{
	unsigned long long n = 0;

	(void)!getrandom(&n, sizeof(n), 0);
	return xasprintf(STORE_STAGING "/%016llx", n);
}

int staging_create(const struct store *store, struct staging *ret)
{
	*ret = (struct staging){ .fd = -EBADF };
	for (;;) {
		_cleanup_free_ char *name = new_name();
		_cleanup_close_ int fd = -EBADF;
		struct stat st;
		int r;

		if (mkdirat(store->fd, name, 0700) < 0) {
			if (errno == EEXIST)
				continue;
			return log_errno(-errno, "make '%s/%s'", store->dir, name);
		}
		fd = openat(store->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		/* A concurrent purge may have removed it: try again. */
		if (fd < 0 && errno != ENOENT)
			return log_errno(-errno, "open '%s/%s'", store->dir, name);
		if (fd < 0)
			continue;
		if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
			if (errno == EWOULDBLOCK || errno == EINTR)
				continue;
			r = log_errno(-errno, "lock '%s/%s'", store->dir, name);
			(void)unlinkat(store->fd, name, AT_REMOVEDIR);
			return r;
		}
		if (fstat(fd, &st) < 0 || !st.st_nlink)
			continue;
		ret->name = TAKE_PTR(name);
		ret->fd = TAKE_FD(fd);
		return 0;
	}
}

void staging_discard(const struct store *store, struct staging *stage)
{
	/* Its contents are left to the purge. */
	if (stage->name)
		(void)unlinkat(store->fd, stage->name, AT_REMOVEDIR);
	cleanup_close(&stage->fd);
	free(stage->name);
	*stage = (struct staging){ .fd = -EBADF };
}

/* Copy the extended attributes, save overlay's own. Returns 0 or -errno. */
static int copy_xattrs(const struct delta *delta, int from, int to)
{
	_cleanup_free_ char *list = xcalloc(1, XATTR_LIST_MAX), *value = xcalloc(1, XATTR_SIZE_MAX);
	ssize_t n = flistxattr(from, list, XATTR_LIST_MAX), size;

	if (n < 0)
		return errno == EOPNOTSUPP ? 0 : -errno;
	for (const char *key = list; key < list + n; key += strlen(key) + 1) {
		if (xattr_is_own(delta, key))
			continue;
		size = fgetxattr(from, key, value, XATTR_SIZE_MAX);
		if (size < 0 || fsetxattr(to, key, value, (size_t)size, 0) < 0)
			return -errno;
	}
	return 0;
}

int staging_inherit(const struct store *store, const struct staging *stage, int parent, bool all)
{
	struct stat st = { .st_mode = 0755, .st_uid = geteuid(), .st_gid = getegid() };
	int r = 0;

	if (parent >= 0 && fstat(parent, &st) < 0)
		return log_errno(-errno, "look at the parent layer");
	if (fchown(stage->fd, st.st_uid, st.st_gid) < 0 || fchmod(stage->fd, st.st_mode & 07777) < 0)
		r = -errno;
	if (r == 0 && all && parent >= 0)
		r = copy_xattrs(&store->delta, parent, stage->fd);
	if (r == 0 && all && parent >= 0 && futimens(stage->fd, (struct timespec[]){ st.st_atim, st.st_mtim }) < 0)
		r = -errno;
	return r < 0 ? log_errno(r, "attributes of a new layer") : 0;
}

int staging_bury(const struct store *store, const char *dir, const char *name)
{
	_cleanup_free_ char *from = xasprintf("%s/%s", dir, name);

	for (;;) {
		_cleanup_free_ char *to = new_name();

		if (renameat2(store->fd, from, store->fd, to, RENAME_NOREPLACE) == 0 || errno == ENOENT)
			return 0;
		if (errno != EEXIST)
			return log_errno(-errno, "move '%s/%s' away", store->dir, from);
	}
}

/* Return 1 if the entry is a leftover (remove: and was removed); 0; or -errno. */
static int is_leftover(int stage, const char *name, bool remove)
{
	_cleanup_close_ int fd = openat(stage, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int r = fd < 0 ? -errno : flock(fd, LOCK_EX | LOCK_NB) < 0 ? -errno : 1;

	/* Another purge may remove it at the same time. */
	if (r == -EWOULDBLOCK || r == -ENOENT)
		return 0;
	if (r < 0 && r != -ENOTDIR && r != -ELOOP)
		return r;
	if (!remove)
		return 1;
	if (r > 0)
		r = remove_tree(stage, name, NULL);
	else
		r = unlinkat(stage, name, 0) < 0 ? -errno : 0;
	return r == 0 ? 1 : r == -ENOENT ? 0 : r;
}

int staging_leftovers(int stage, bool remove)
{
	int again = openat(stage, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0, one;
	DIR *dir = again < 0 ? NULL : fdopendir(again);
	struct dirent *entry;

	if (!dir) {
		r = -errno;
		cleanup_close(&again);
		return r;
	}
	while ((remove || r <= 0) && (errno = 0, entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		one = is_leftover(stage, entry->d_name, remove);
		if (one > 0 || (one < 0 && r == 0))
			r = one;
	}
	if (r == 0)
		r = -errno;
	(void)closedir(dir);
	return r;
}

/* --- the purge --- */

static void purge(int stage)
{
	int fd = dup3(stage, 3, O_CLOEXEC);

	(void)setsid();
	(void)!chdir("/");
	for (int i = 0; i < 3; i++) {
		(void)close(i);
		(void)open("/dev/null", O_RDWR);
	}
	if (fd < 0)
		fd = stage;
	if (syscall(SYS_close_range, fd + 1, ~0U, 0) < 0)
		for (int i = fd + 1; i < 1024; i++)
			(void)close(i);
	(void)staging_leftovers(fd, true);
	_exit(0);
}

int staging_claim_purge(const struct store *store)
{
	_cleanup_close_ int stage = openat(store->fd, STORE_STAGING, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (stage < 0 || staging_leftovers(stage, false) <= 0)
		return -EBADF;
	/* The child keeps this lock as long as it lives: see staging_is_purged(). */
	(void)flock(stage, LOCK_SH | LOCK_NB);
	return TAKE_FD(stage);
}

void staging_purge(int stage)
{
	if (stage < 0)
		return;
	if (fork() == 0)
		purge(stage);
	(void)close(stage);
}

int staging_is_purged(int stage)
{
	if (flock(stage, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? 1 : -errno;
	return flock(stage, LOCK_UN) < 0 ? -errno : 0;
}
