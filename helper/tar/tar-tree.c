/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tar-tree - opens the files of a tree whose writer may be at work.
 *
 * A name that is a file when the directory is read may be a device when it is
 * opened, which would act on it. So files are opened through a mount of the tree
 * without devices; on older kernels each is looked at before it is opened.
 */
#include "tar-tree.h"
#include "../base/cleanup.h"
#include "../kernel/mount.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>

/* Clone the tree as a mount in which devices cannot be opened. Returns a descriptor, or -errno on older kernels. */
static int clone_nodev(int from)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_NODEV };
	int tree = mount_clone(from, false);

	if (tree < 0 || syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &attr, sizeof(attr)) == 0)
		return tree;
	(void)close(tree);
	return -EOPNOTSUPP;
}

int tartree_open(struct tartree *tree, int from)
{
	int clone = clone_nodev(from);

	*tree = (struct tartree){ .nodev = clone >= 0, .fd = clone < 0 ? from : clone };
	tree->proc = open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return tree->proc < 0 ? -errno : 0;
}

void tartree_close(struct tartree *tree)
{
	cleanup_close(&tree->proc);
	if (tree->nodev)
		cleanup_close(&tree->fd);
}

int tartree_open_file(const struct tartree *tree, int dir, const char *name)
{
	int fd = !tree->nodev ? -ENODEV : openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOATIME | O_CLOEXEC);
	_cleanup_close_ int path = -EBADF;
	struct statx st;
	char number[12];

	if (fd >= 0)
		return fd;
	/* Otherwise look at the file first, and then open the same one. */
	path = openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (path < 0 || statx(path, "", AT_EMPTY_PATH, STATX_TYPE, &st) < 0)
		return -errno;
	if (!S_ISREG(st.stx_mode))
		return -ESTALE;
	(void)snprintf(number, sizeof(number), "%d", path);
	fd = openat(tree->proc, number, O_RDONLY | O_NOATIME | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}
