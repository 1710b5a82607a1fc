/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * path - turn paths into descriptors once, inside the tree that they belong to.
 */
#include "path.h"
#include "cleanup.h"
#include "log.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#define RACE_TRIES 32 /* openat2(2): EAGAIN when a rename anywhere raced with the walk */

int path_create(int dirfd, const char *path, int flags, mode_t mode, unsigned long long resolve)
{
	struct open_how how = { .flags = (unsigned int)(flags | O_CLOEXEC), .mode = mode, .resolve = resolve };

	for (int i = 0; i < RACE_TRIES; i++) {
		long fd = syscall(SYS_openat2, dirfd, path, &how, sizeof(how));

		if (fd >= 0)
			return (int)fd;
		if (errno != EAGAIN && errno != EINTR)
			return -errno;
	}
	return -EAGAIN;
}

int path_resolve(int dirfd, const char *path, int flags, unsigned long long resolve)
{
	return path_create(dirfd, path, flags, 0, resolve);
}

static int open_beneath(int dirfd, const char *path, int flags)
{
	return path_resolve(dirfd, path, flags, RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS);
}

int path_open(int dirfd, const char *path, int flags)
{
	int fd;

	if (*path != '/')
		return open_beneath(dirfd, path, flags);
	fd = open(path, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int path_open_made(int dirfd, const char *path)
{
	_cleanup_free_ char *sofar = xcalloc(strlen(path) + 2, 1);
	_cleanup_close_ int here = -EBADF;
	char *end = sofar;

	if (*path == '/') {
		if (mkdir(path, 0755) < 0 && errno != EEXIST)
			return -errno;
		return path_open(dirfd, path, O_PATH | O_DIRECTORY);
	}
	here = open_beneath(dirfd, ".", O_PATH | O_DIRECTORY);
	while (here >= 0 && *path) {
		size_t n = strcspn(path, "/");
		int next;

		/* Resolve from dirfd each time: ".." is allowed as long as the whole path stays below it. */
		end = mempcpy(end, path, n);
		next = n ? open_beneath(dirfd, sofar, O_PATH | O_DIRECTORY) : dup(here);
		if (next == -ENOENT) {
			if (mkdirat(here, end - n, 0755) < 0 && errno != EEXIST)
				return -errno;
			next = open_beneath(dirfd, sofar, O_PATH | O_DIRECTORY);
		}
		(void)close(here);
		here = next;
		*end++ = '/';
		path += n + (path[n] == '/');
	}
	return TAKE_FD(here);
}

const char *path_strerror(int r)
{
	return r == -EXDEV ? "a relative path belongs to the container, and this one leads out of its directory"
			   : strerror(-r);
}

int path_reopen(int fd, int flags)
{
	char name[32];
	int again;

	(void)snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	again = open(name, flags | O_CLOEXEC);
	return again < 0 ? -errno : again;
}

int path_has(int dir, const char *name, mode_t type)
{
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return (st.st_mode & S_IFMT) == type;
	return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
}

/* End the process: a record with a wrong path or inode would hide a resource from release() and from other users. */
static _Noreturn void give_up(const char *what)
{
	(void)log_errno(-errno, "%s", what);
	_exit(EXIT_FAILURE);
}

char *path_of(int fd)
{
	char name[32], path[PATH_MAX];
	ssize_t n;

	(void)snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	n = readlink(name, path, sizeof(path) - 1);
	if (n < 0)
		give_up("read the path of an open file from /proc/self/fd");
	return xstrndup(path, (size_t)n);
}

unsigned int path_direct_align(int fd)
{
	enum {
		DIOALIGN = 0x2000,
		OFFSET_ALIGN = 0x9c
	}; /* STATX_DIOALIGN, stx_dio_offset_align: not in older headers */
	struct statx st = { 0 };
	unsigned int align = 0;

	if (statx(fd, "", AT_EMPTY_PATH, DIOALIGN, &st) == 0 && (st.stx_mask & DIOALIGN))
		memcpy(&align, (const char *)&st + OFFSET_ALIGN, sizeof(align));
	return align;
}

char *path_inode(int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		give_up("identify an open file");
	return xasprintf("%u:%u-%llu", major(st.st_dev), minor(st.st_dev), (unsigned long long)st.st_ino);
}

int path_open_inode(const char *path, const char *inode, int flags)
{
	_cleanup_close_ int fd = open(path, flags | O_CLOEXEC);
	_cleanup_free_ char *found = fd < 0 ? NULL : path_inode(fd);

	if (fd < 0)
		return -errno;
	return strcmp(found, inode) == 0 ? TAKE_FD(fd) : -ESTALE;
}

char *path_absolute(const char *dir, const char *path)
{
	_cleanup_free_ char *joined = *path == '/' ? xstrdup(path) : xasprintf("%s/%s", dir, path);
	char *out = xcalloc(strlen(joined) + 2, 1), *rest = joined, *name, *end = out;

	while ((name = strsep(&rest, "/"))) {
		if (!*name || strcmp(name, ".") == 0)
			continue;
		*end++ = '/';
		end = stpcpy(end, name);
	}
	if (end == out)
		*out = '/';
	return out;
}

const char *path_below(const char *path, const char *dir)
{
	size_t n = strcmp(dir, "/") == 0 ? 0 : strlen(dir);

	if (strncmp(path, dir, n) != 0 || (path[n] && path[n] != '/'))
		return NULL;
	return path + n + (path[n] == '/');
}
