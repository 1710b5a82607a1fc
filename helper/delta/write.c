/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * write - whiteouts and opaque directories, written in the format of a delta.
 */
#include "write.h"
#include "aufs-names.h"
#include "xattr.h"
#include "../base/cleanup.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

static int make_base(int top, const char *name)
{
	int fd = openat(top, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0444);

	if (fd < 0)
		return errno == EEXIST ? 0 : -errno;
	return close(fd) < 0 ? -errno : 0;
}

/* Write a whiteout of aufs's: all are hard links to one file in the top directory, or to several, if it has too many.
 */
static int aufs_whiteout(int top, int fd, const char *name)
{
	char path[sizeof(WH) + NAME_MAX];
	int r;

	if (strlen(name) > AUFS_MAX)
		return -ENAMETOOLONG;
	(void)snprintf(path, sizeof(path), WH "%s", name);
	while (linkat(top, WH_BASE, fd, path, 0) < 0) {
		if (errno != ENOENT && errno != EMLINK)
			return -errno;
		if (errno == EMLINK && unlinkat(top, WH_BASE, 0) < 0 && errno != ENOENT)
			return -errno;
		r = make_base(top, WH_BASE);
		if (r < 0)
			return r;
	}
	return 0;
}

int write_whiteout(const struct delta *delta, int top, int fd, const char *name)
{
	if (delta->format == DELTA_AUFS)
		return aufs_whiteout(top, fd, name);
	if (mknodat(fd, name, S_IFCHR, makedev(0, 0)) < 0)
		return -errno;
	return write_merged(delta, fd);
}

int write_opaque(const struct delta *delta, int fd)
{
	char key[64];

	if (delta->format == DELTA_AUFS)
		return make_base(fd, WH_OPQ);
	(void)snprintf(key, sizeof(key), "%sopaque", xattr_prefix(delta));
	return fsetxattr(fd, key, "y", 1, 0) < 0 ? -errno : 0;
}

int write_merged(const struct delta *delta, int fd)
{
	char key[64];

	if (delta->format == DELTA_AUFS)
		return 0;
	(void)snprintf(key, sizeof(key), "%sorigin", xattr_prefix(delta));
	return fsetxattr(fd, key, "", 0, XATTR_CREATE) < 0 && errno != EEXIST ? -errno : 0;
}

int write_top(const struct delta *delta, int top)
{
	return delta->format == DELTA_AUFS ? make_base(top, WH_BASE) : write_merged(delta, top);
}
