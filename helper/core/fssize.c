/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fssize - how long a file system is, by its superblock.
 *
 * libblkid tells the type only. The kernel mounts none that is longer than its
 * device, and gives for that the errno of a damaged one.
 */
#include "fssize.h"
#include "cleanup.h"

#include <endian.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#define SUPERBLOCK     1024 /* bytes that are read of it */
#define EXT_64BIT      0x80
#define SQUASHFS_BLOCK 1024 /* what the kernel reads squashfs in */

static uint16_t be16(const unsigned char *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static uint32_t le32(const unsigned char *at)
{
	uint32_t n;

	memcpy(&n, at, sizeof(n));
	return le32toh(n);
}

static uint64_t le64(const unsigned char *at)
{
	uint64_t n;

	memcpy(&n, at, sizeof(n));
	return le64toh(n);
}

static uint64_t be64(const unsigned char *at)
{
	uint64_t n;

	memcpy(&n, at, sizeof(n));
	return be64toh(n);
}

static void size_ext(const unsigned char *sb, struct fs_size *ret)
{
	uint64_t blocks = le32(sb + 4);

	if (le32(sb + 0x60) & EXT_64BIT)
		blocks |= (uint64_t)le32(sb + 0x150) << 32;
	ret->block = 1024U << (le32(sb + 0x18) & 7);
	ret->bytes = blocks * ret->block;
}

static void size_xfs(const unsigned char *sb, struct fs_size *ret)
{
	ret->block = be16(sb + 102); /* a sector's size */
	ret->bytes = be64(sb + 8) * ((uint64_t)be16(sb + 4) << 16 | be16(sb + 6));
}

static void size_btrfs(const unsigned char *sb, struct fs_size *ret)
{
	ret->block = le32(sb + 0x90);
	ret->bytes = le64(sb + 0xd1); /* of this device's item */
}

static void size_squashfs(const unsigned char *sb, struct fs_size *ret)
{
	ret->block = SQUASHFS_BLOCK;
	ret->bytes = (le64(sb + 40) + SQUASHFS_BLOCK - 1) / SQUASHFS_BLOCK * SQUASHFS_BLOCK;
}

static void size_erofs(const unsigned char *sb, struct fs_size *ret)
{
	ret->block = 1U << (sb[12] & 31);
	ret->bytes = (uint64_t)le32(sb + 36) * ret->block;
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
