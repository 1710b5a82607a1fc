/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * block-mount - the file system of a block device as a detached mount.
 *
 * The differences between file systems, and the advice where the kernel's errno
 * misleads, are here: the types differ only in how they get their device.
 */
#include "block-mount.h"
#include "../base/cleanup.h"
#include "../base/log.h"
#include "mount.h"
#include "../base/path.h"

#include <fcntl.h>

/* Name the program that repairs a file system. Returns a constant, or NULL. */
static const char *repairer(const char *fstype)
{
	return strncmp(fstype, "ext", 3) == 0 ? "e2fsck"
	       : strcmp(fstype, "xfs") == 0   ? "xfs_repair"
	       : strcmp(fstype, "btrfs") == 0 ? "btrfs check"
					      : NULL;
}

/* Make an advice to follow the errno, where that alone misleads. Returns it, for the caller to free. */
static char *hint(int r, const struct block_mount *blockfs)
{
	const char *repair = repairer(blockfs->fstype);

	if (r == -EROFS && blockfs->readonly && repair) {
		if (blockfs->used)
			return xstrdup("; it was not unmounted cleanly, and others use it: try again when they have "
				       "ended");
		if (blockfs->fixed)
			return xasprintf("; it was not unmounted cleanly, and lies on a read-only file system: copy "
					 "it elsewhere, and there start it once without ,ro, or run %s",
					 repair);
		return xasprintf("; it was not unmounted cleanly: start it once without ,ro, or run %s", repair);
	}
	if (r == -EEXIST && strcmp(blockfs->fstype, "btrfs") == 0)
		return xstrdup("; another copy of this btrfs image is mounted: give one of them a new UUID (btrfstune "
			       "-u)");
	/* EINVAL: this kernel lacks a feature or the block size. A repair does not help. */
	if ((r == -EUCLEAN || r == -EBADMSG || r == -EIO) && repair && !blockfs->used && !blockfs->fixed)
		return xasprintf("; the kernel log says why; %s may help", repair);
	return xstrdup(r == -EINVAL || r == -EUCLEAN || r == -EBADMSG || r == -EIO ? "; the kernel log says why" : "");
}

int block_mount(const struct block_mount *blockfs, const char *source, bool quiet)
{
	struct fs fs;
	int r;

	r = fs_open(&fs, blockfs->fstype);
	if (r < 0 && quiet)
		return r;
	if (r == -ENODEV)
		return log_refuse(-EOPNOTSUPP, "%s: this kernel has no %s", blockfs->where, blockfs->fstype);
	if (r < 0)
		return log_errno(r, "%s: mount '%s' as %s", blockfs->where, blockfs->name, blockfs->fstype);
	r = fs_set(&fs, "source", source);
	if (r == 0 && blockfs->readonly)
		r = fs_set(&fs, "ro", NULL);
	if (r == 0 && blockfs->discard)
		r = fs_set(&fs, "discard", NULL);
	/* Copies of an image share a UUID; without nouuid, xfs takes them for one disk by two paths. */
	if (r == 0 && strcmp(blockfs->fstype, "xfs") == 0)
		r = fs_set(&fs, "nouuid", NULL);
	/* The superblock is under control of the image's author, and could demand that an error panics the host. */
	if (r == 0 && strncmp(blockfs->fstype, "ext", 3) == 0)
		r = fs_set(&fs, "errors", "remount-ro");
	if (r == 0)
		r = fs_mount(&fs, blockfs->readonly);
	if (r < 0 && !quiet) {
		_cleanup_free_ char *advice = hint(r, blockfs);

		log_error("%s: mount '%s' as %s: %s%s%s", blockfs->where, blockfs->name, blockfs->fstype, strerror(-r),
			  fs.error, advice);
	}
	fs_close(&fs);
	return r;
}

int block_mount_device(const struct block_mount *blockfs, int *device, const char *node)
{
	/* A kernel without BLK_DEV_WRITE_MOUNTED mounts no device that is open for writing. */
	_cleanup_close_ int pinned = path_reopen(*device, O_RDONLY);

	if (pinned < 0)
		return log_errno(pinned, "%s: open '%s'", blockfs->where, node);
	cleanup_close(device);
	*device = -EBADF;
	return block_mount(blockfs, node, false);
}
