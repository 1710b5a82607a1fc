/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * image-content - what the first bytes of an image say, beside the type of its
 * file system, which libblkid tells: what the file system needs, and what a
 * file is that has none.
 */
#include "image-content.h"
#include "../base/bytes.h"
#include "../base/cleanup.h"

#include <errno.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#define HEAD_BYTES     512

#define QEMU(format)   "it looks like " format ": nbd:IMAGE,format=" format
#define PACKED(format) "it is compressed by " format ": unpack it first"

static const struct {
	size_t at, bytes;
	const char *magic, *advice;
} contents[] = {
	{ 0, 4, "QFI\xfb", QEMU("qcow2") },
	{ 0, 4, "QED\0", QEMU("qed") },
	{ 0, 4, "KDMV", QEMU("vmdk") },
	{ 0, 4, "COWD", QEMU("vmdk") },
	{ 0, 21, "# Disk DescriptorFile", QEMU("vmdk") },
	{ 64, 4, "\x7f\x10\xda\xbe", QEMU("vdi") },
	{ 0, 8, "vhdxfile", QEMU("vhdx") },
	{ 0, 8, "conectix", QEMU("vpc") },
	{ 0, 2, "\x1f\x8b", PACKED("gzip") },
	{ 0, 6,
	  "\xfd"
	  "7zXZ\0",
	  PACKED("xz") },
	{ 0, 4, "\x28\xb5\x2f\xfd", PACKED("zstd") },
	{ 0, 3, "BZh", PACKED("bzip2") },
	{ 257, 5, "ustar", "it is a tar archive: lxc-create -t bdev makes a container of it (--tarball)" },
};

const char *image_content_advice(int fd, uint64_t offset)
{
	unsigned char head[HEAD_BYTES] = { 0 };

	if (pread(fd, head, sizeof(head), (off_t)offset) <= 0)
		return NULL;
	for (size_t i = 0; i < sizeof(contents) / sizeof(*contents); i++)
		if (memcmp(head + contents[i].at, contents[i].magic, contents[i].bytes) == 0)
			return contents[i].advice;
	return NULL;
}

#define SUPERBLOCK     1024 /* bytes that are read of a superblock */
#define EXT_JOURNAL    0x4
#define EXT_64BIT      0x80
#define SQUASHFS_BLOCK 1024 /* the unit in which the kernel reads squashfs */

static void size_ext(const unsigned char *sb, struct image_needs *ret)
{
	uint64_t blocks = le(sb + 4, 4);

	if (le(sb + 0x60, 4) & EXT_64BIT)
		blocks |= (uint64_t)le(sb + 0x150, 4) << 32;
	ret->block = 1024U << (le(sb + 0x18, 4) & 7);
	ret->bytes = blocks * ret->block;
	/* The journal has an inode, or the superblock names a device. */
	ret->journal_elsewhere = (le(sb + 0x5c, 4) & EXT_JOURNAL) && !le(sb + 0xe0, 4);
}

static void size_xfs(const unsigned char *sb, struct image_needs *ret)
{
	ret->block = be(sb + 102, 2); /* a sector's size */
	ret->bytes = be(sb + 8, 8) * ((uint64_t)be(sb + 4, 2) << 16 | be(sb + 6, 2));
}

static void size_btrfs(const unsigned char *sb, struct image_needs *ret)
{
	ret->block = le(sb + 0x90, 4);
	ret->bytes = le(sb + 0xd1, 8); /* of this device's item */
}

static void size_squashfs(const unsigned char *sb, struct image_needs *ret)
{
	ret->block = SQUASHFS_BLOCK;
	ret->bytes = (le(sb + 40, 8) + SQUASHFS_BLOCK - 1) / SQUASHFS_BLOCK * SQUASHFS_BLOCK;
}

static void size_erofs(const unsigned char *sb, struct image_needs *ret)
{
	ret->block = 1U << (sb[12] & 31);
	ret->bytes = (uint64_t)le(sb + 36, 4) * ret->block;
}

int image_content_needs(int fd, uint64_t offset, const char *fstype, struct image_needs *ret)
{
	static const struct {
		const char *fstype;
		unsigned int at; /* where the superblock begins */
		void (*size)(const unsigned char *superblock, struct image_needs *ret);
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
