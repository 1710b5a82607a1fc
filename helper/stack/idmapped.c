/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * idmapped - the file systems that the kernel can mount with mapped ids.
 *
 * LXC makes the idmapped mount after the hooks. Its error message names
 * neither the file system nor the reason.
 */
#include "idmapped.h"
#include "../base/running-kernel.h"
#include "../kernel/aufs-info.h"
#include "../base/cleanup.h"
#include "../base/log.h"
#include "../kernel/mount.h"

#include <linux/magic.h>
#include <sys/vfs.h>

#define XFS_MAGIC      0x58465342
#define FUSE_MAGIC     0x65735546
#define ECRYPTFS_MAGIC 0xf15f

static const struct {
	const char *fstype;
	unsigned int magic;
	unsigned int major, minor; /* the first kernel that supports it; 0: none */
} known[] = {
	{ "ext4", EXT4_SUPER_MAGIC, 5, 12 },   { "ext3", EXT4_SUPER_MAGIC, 5, 12 },
	{ "ext2", EXT4_SUPER_MAGIC, 5, 12 },   { "xfs", XFS_MAGIC, 5, 12 },
	{ "btrfs", BTRFS_SUPER_MAGIC, 5, 15 }, { "erofs", EROFS_SUPER_MAGIC_V1, 5, 19 },
	{ "squashfs", SQUASHFS_MAGIC, 6, 2 },  { "tmpfs", TMPFS_MAGIC, 6, 3 },
	{ "fuse", FUSE_MAGIC, 6, 12 },	       { "overlay", OVERLAYFS_SUPER_MAGIC, 0, 0 },
	{ "aufs", AUFS_SUPER_MAGIC, 0, 0 },    { "nfs", NFS_SUPER_MAGIC, 0, 0 },
	{ "ecryptfs", ECRYPTFS_MAGIC, 0, 0 },
};

int idmapped_fstype(int fd, const char **ret)
{
	struct statfs st;

	*ret = NULL;
	if (fstatfs(fd, &st) < 0)
		return -errno;
	for (size_t i = 0; i < ARRAY_SIZE(known) && !*ret; i++)
		if (known[i].magic == (unsigned int)st.f_type)
			*ret = known[i].fstype;
	return 0;
}

int idmapped_check(const struct plan *plan)
{
	const struct plan_root *root = &plan->roots[plan->nroots - 1];
	const char *fstype = root->aufs ? "aufs" : root->fstype;

	for (size_t i = 0; fstype && i < ARRAY_SIZE(known); i++) {
		if (strcmp(known[i].fstype, fstype) != 0)
			continue;
		if (!known[i].major)
			return spec_refuse(root->spec, -EINVAL,
					   "no kernel maps the ids of %s, which idmap= in lxc.rootfs.options requests; "
					   "remove idmap= and shift the ids of the files",
					   fstype);
		if (kernel_before(known[i].major, known[i].minor))
			return spec_refuse(root->spec, -EOPNOTSUPP,
					   "this kernel cannot map the ids of %s, which idmap= in lxc.rootfs.options "
					   "requests; use Linux %u.%u or another file system",
					   fstype, known[i].major, known[i].minor);
	}
	return 0;
}
