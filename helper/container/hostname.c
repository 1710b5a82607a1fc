/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hostname - write the host name of a clone into its root.
 *
 * LXC writes it only into roots that it can mount itself, not into one that only a start mounts.
 */
#include "hostname.h"
#include "../base/cleanup.h"
#include "../base/path.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <sys/stat.h>

#define LEFT	   ".lxc-bdev.hostname"
#define NO_WAY_OUT (RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV)

static int open_below(int dirfd, const char *path, int flags, mode_t mode)
{
	return path_create(dirfd, path, flags | O_NOFOLLOW | (flags & O_PATH ? 0 : O_NONBLOCK | O_NOCTTY), mode,
			   NO_WAY_OUT);
}

/* Open /etc/hostname, if it is a regular file with one link. Returns an fd, -ENOENT, or -errno. */
static int open_hostname(int root, int flags, struct stat *st)
{
	_cleanup_close_ int looked = open_below(root, "etc/hostname", O_PATH, 0);

	if (looked < 0 || fstat(looked, st) < 0 || !S_ISREG(st->st_mode) || st->st_nlink != 1)
		return -ENOENT;
	return path_reopen(looked, flags);
}

static int write_line(int fd, const char *name)
{
	return dprintf(fd, "%s\n", name) < 0 ? -errno : 0;
}

int hostname_write(int root, const char *name)
{
	struct stat st;
	_cleanup_close_ int fd = open_hostname(root, O_WRONLY | O_TRUNC, &st);

	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	return write_line(fd, name);
}

int hostname_leave(const char *dir, const char *name)
{
	_cleanup_free_ char *path = xasprintf("%s/" LEFT, dir);
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);

	return fd < 0 ? -errno : write_line(fd, name);
}

int hostname_write_left(const char *dir, int root, bool keep)
{
	_cleanup_free_ char *path = xasprintf("%s/" LEFT, dir);
	_cleanup_close_ int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	char name[HOST_NAME_MAX + 2] = "";
	int r;

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	if (read(fd, name, sizeof(name) - 1) < 0)
		return -errno;
	name[strcspn(name, "\n")] = '\0';
	r = *name ? hostname_write(root, name) : 0;
	if (r == 0 && !keep)
		(void)unlink(path);
	return r;
}

/* Make /etc in the upper as overlay copies it up, without its content. Returns an fd or -errno. */
static int copy_up_etc(int root, int upper)
{
	_cleanup_close_ int etc = open_below(root, "etc", O_RDONLY | O_DIRECTORY, 0), made = -EBADF;
	struct stat st;

	if (etc < 0 || fstat(etc, &st) < 0)
		return etc < 0 ? etc : -errno;
	if (mkdirat(upper, "etc", 0700) < 0)
		return errno == EEXIST ? open_below(upper, "etc", O_RDONLY | O_DIRECTORY, 0) : -errno;
	made = open_below(upper, "etc", O_RDONLY | O_DIRECTORY, 0);
	if (made < 0)
		return made;
	if (fchown(made, st.st_uid, st.st_gid) < 0 || fchmod(made, st.st_mode & 07777) < 0)
		return -errno;
	return TAKE_FD(made);
}

int hostname_write_upper(int root, const char *upper, const char *name)
{
	_cleanup_close_ int top = open(upper, O_RDONLY | O_DIRECTORY | O_CLOEXEC), etc = -EBADF, fd = -EBADF;
	struct stat st;
	_cleanup_close_ int lower = open_hostname(root, O_RDONLY, &st);

	if (top < 0 || lower < 0)
		return 0;
	etc = copy_up_etc(root, top);
	if (etc < 0)
		return etc == -ENOTDIR || etc == -ELOOP || etc == -ENOENT ? 0 : etc;
	/* A file that exists, or its whiteout, is the container's own. */
	fd = open_below(etc, "hostname", O_WRONLY | O_CREAT | O_EXCL, st.st_mode & 0777);
	if (fd < 0)
		return fd == -EEXIST ? 0 : fd;
	if (fchown(fd, st.st_uid, st.st_gid) < 0 || fchmod(fd, st.st_mode & 07777) < 0)
		return -errno;
	return write_line(fd, name);
}
