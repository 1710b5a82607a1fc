/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * superblock - what a file system needs, by its superblock.
 *
 * libblkid tells the type only. The kernel mounts none that is longer than its
 * device, and gives for that the errno of a damaged one.
 */
#include "superblock.h"
#include "../base/bytes.h"
#include "../base/cleanup.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define SUPERBLOCK     1024 /* bytes that are read of it */
#define EXT_JOURNAL    0x4
#define EXT_64BIT      0x80
#define SQUASHFS_BLOCK 1024 /* what the kernel reads squashfs in */

static void size_ext(const unsigned char *sb, struct fs_size *ret)
{
	uint64_t blocks = le(sb + 4, 4);

	if (le(sb + 0x60, 4) & EXT_64BIT)
		blocks |= (uint64_t)le(sb + 0x150, 4) << 32;
	ret->block = 1024U << (le(sb + 0x18, 4) & 7);
	ret->bytes = blocks * ret->block;
	/* The journal has an inode, or the superblock names a device. */
	ret->journal_elsewhere = (le(sb + 0x5c, 4) & EXT_JOURNAL) && !le(sb + 0xe0, 4);
}

static void size_xfs(const unsigned char *sb, struct fs_size *ret)
{
	ret->block = be(sb + 102, 2); /* a sector's size */
	ret->bytes = be(sb + 8, 8) * ((uint64_t)be(sb + 4, 2) << 16 | be(sb + 6, 2));
}

static void size_btrfs(const unsigned char *sb, struct fs_size *ret)
{
	ret->block = le(sb + 0x90, 4);
	ret->bytes = le(sb + 0xd1, 8); /* of this device's item */
}

static void size_squashfs(const unsigned char *sb, struct fs_size *ret)
{
	ret->block = SQUASHFS_BLOCK;
	ret->bytes = (le(sb + 40, 8) + SQUASHFS_BLOCK - 1) / SQUASHFS_BLOCK * SQUASHFS_BLOCK;
}

static void size_erofs(const unsigned char *sb, struct fs_size *ret)
{
	ret->block = 1U << (sb[12] & 31);
	ret->bytes = (uint64_t)le(sb + 36, 4) * ret->block;
}

int fs_size_read(int fd, uint64_t offset, const char *fstype, struct fs_size *ret)
{
	static const struct {
		const char *fstype;
		unsigned int at; /* where the superblock begins */
		void (*size)(const unsigned char *superblock, struct fs_size *ret);
	} superblocks[] = {
		{ "ext2", 1024, size_ext },    { "ext3", 1024, size_ext },     { "ext4", 1024, size_ext },
		{ "xfs", 0, size_xfs },	       { "btrfs", 65536, size_btrfs }, { "squashfs", 0, size_squashfs },
		{ "erofs", 1024, size_erofs },
	};
	unsigned char sb[SUPERBLOCK] = { 0 };
	ssize_t n;

	for (size_t i = 0; i < ARRAY_SIZE(superblocks); i++) {
		if (strcmp(superblocks[i].fstype, fstype) != 0)
			continue;
		n = pread(fd, sb, sizeof(sb), (off_t)(offset + superblocks[i].at));
		if (n < 0)
			return -errno;
		superblocks[i].size(sb, ret);
		return 0;
	}
	return -EINVAL;
}
