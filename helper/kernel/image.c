/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * image - find the file system in an image file.
 *
 * Its type comes from libblkid and an allow-list, never from trying
 * drivers: a fuzzed superblock must not reach every file system in the kernel.
 */
#include "image.h"
#include "../base/cleanup.h"
#include "image-content.h"

#include <blkid/blkid.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <sys/ioctl.h>

#define SECTOR 512 /* libblkid's unit for partitions on every disk */

#define NO_FS  "holds no file system of ext2, ext3, ext4, xfs, btrfs, squashfs, erofs"

static const char *const filesystems[] = { "ext4", "ext3", "ext2", "xfs", "btrfs", "squashfs", "erofs", NULL };

bool image_fs_readonly(const char *fstype)
{
	return strcmp(fstype, "squashfs") == 0 || strcmp(fstype, "erofs") == 0;
}

/* Read the image's partition table with each sector size. Returns the partitions, or NULL: there is no table. */
static blkid_partlist find_table(blkid_probe probe)
{
	static const unsigned int sector_sizes[] = { 512, 4096 };

	for (size_t i = 0; i < ARRAY_SIZE(sector_sizes); i++) {
		blkid_partlist list;

		if (blkid_probe_set_sectorsize(probe, sector_sizes[i]) < 0)
			continue;
		list = blkid_probe_get_partitions(probe);
		if (list && blkid_partlist_get_table(list))
			return list;
	}
	return NULL;
}

static const char *table_type(blkid_partlist list)
{
	return blkid_parttable_get_type(blkid_partlist_get_table(list));
}

/* Narrow *area to the partition. Returns as image_probe() does. */
static int find_partition(blkid_probe probe, int fd, unsigned int number, struct image_area *area, char **ret_reason)
{
	blkid_partlist list = find_table(probe);
	blkid_partition part;

	if (!list) {
		const char *other = image_content_advice(fd, 0);

		*ret_reason = xasprintf("has no partition table, so no partition %u%s%s", number, other ? "; " : "",
					other ?: "");
		return -EINVAL;
	}
	part = blkid_partlist_get_partition_by_partno(list, (int)number);
	if (!part) {
		*ret_reason = xasprintf("has no partition %u in its %s partition table", number, table_type(list));
		return -EINVAL;
	}
	area->offset = (uint64_t)blkid_partition_get_start(part) * SECTOR;
	area->size = (uint64_t)blkid_partition_get_size(part) * SECTOR;
	if (!area->size) {
		*ret_reason = xasprintf("partition %u is empty", number);
		return -EINVAL;
	}
	return 0;
}

/* Look for superblocks of these types (up to a NULL) in the probe's area. Returns as blkid_do_safeprobe() does. */
static int probe_types(blkid_probe probe, const char *const *types)
{
	(void)blkid_probe_enable_superblocks(probe, 1);
	(void)blkid_probe_set_superblocks_flags(probe, BLKID_SUBLKS_TYPE | BLKID_SUBLKS_MAGIC);
	(void)blkid_probe_filter_superblocks_type(probe, BLKID_FLTR_ONLYIN, (char **)types);
	return blkid_do_safeprobe(probe);
}

/* Find the file system in the probe's area. Returns as image_probe() does, and -ENODATA without a reason: there is
 * none. */
static int find_filesystem(blkid_probe probe, const char *wanted, struct image_area *area, char **ret_reason)
{
	const char *found = NULL;
	int r = probe_types(probe, filesystems);

	if (r == -2) {
		*ret_reason = xstrdup("holds the signatures of several file systems; clear the stale one with wipefs");
		return -EINVAL;
	}
	if (r < 0) {
		*ret_reason = xstrdup("cannot be read");
		return -EIO;
	}
	if (r == 0)
		(void)blkid_probe_lookup_value(probe, "TYPE", &found, NULL);
	if (!found)
		return -ENODATA;
	if (wanted && strcmp(wanted, found) != 0) {
		*ret_reason = xasprintf("holds %s, not %s", found, wanted);
		return -EINVAL;
	}
	(void)snprintf(area->fstype, sizeof(area->fstype), "%s", found);
	return 0;
}

/* Recognize content that is not mounted here. Returns what it is and what to do with it, or NULL: unknown. */
static const char *find_other(blkid_probe probe)
{
#define COPY_IT "copy the file system with the root to an image of its own"
	static const struct {
		const char *type, *advice;
	} others[] = {
		{ "swap", "it is swap space, and no root" },
		{ "crypto_LUKS", "it is encrypted by LUKS: open it with cryptsetup, and " COPY_IT },
		{ "LVM2_member", "it is a physical volume of LVM: activate it with vgchange, and " COPY_IT },
		{ "linux_raid_member", "it is a part of a Linux RAID: assemble that with mdadm, and " COPY_IT },
		{ "zfs_member", "it is a part of a ZFS pool: import that, and copy the root's files to an image" },
		{ "iso9660", "it is an ISO image: name the image of the root in it, often a squashfs" },
		{ "vfat", "it is FAT, which can hold no root: name another image or partition" },
		{ "ntfs", "it is NTFS, which can hold no root: name another image or partition" },
		{ "f2fs", "it is f2fs: copy the root's files to an image of another file system" },
	};
	const char *types[ARRAY_SIZE(others) + 1] = { NULL }, *found = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		types[i] = others[i].type;
	if (probe_types(probe, types) != 0 || blkid_probe_lookup_value(probe, "TYPE", &found, NULL) < 0)
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		if (strcmp(others[i].type, found) == 0)
			return others[i].advice;
	return NULL;
}

/* Look for partitions of a disk with larger sectors: a table does not tell their size. Returns an advice, for the
 * caller to free, or NULL. */
static char *find_with_larger_sectors(blkid_probe probe, int fd, uint64_t size, const struct image_area *area)
{
	struct image_area larger = { .offset = area->offset * 8, .size = area->size * 8 };
	_cleanup_free_ char *reason = NULL;

	if (larger.offset >= size || larger.size > size - larger.offset ||
	    blkid_probe_set_device(probe, fd, (blkid_loff_t)larger.offset, (blkid_loff_t)larger.size) < 0 ||
	    find_filesystem(probe, NULL, &larger, &reason) < 0)
		return NULL;
	return xasprintf("its partition table counts sectors of 4096 bytes: loop:IMAGE,offset=%" PRIu64
			 ",sizelimit=%" PRIu64,
			 larger.offset, larger.size);
}

/*
 * Explain why there is no file system in the probe's area: it has other content, or partitions. Returns a text, for the
 * caller to free.
 */
static char *no_filesystem(blkid_probe probe, int fd, uint64_t size, unsigned int partition,
			   const struct image_area *area)
{
	_cleanup_free_ char *part = partition ? xasprintf("partition %u ", partition) : xstrdup(""), *larger = NULL;
	blkid_partlist list = NULL;
	const char *other;

	if (!partition && blkid_probe_set_device(probe, fd, 0, 0) == 0)
		list = find_table(probe);
	if (list && blkid_partlist_numof_partitions(list) >= 1)
		return xasprintf(NO_FS ", but a %s partition table: name a partition (IMAGE:%d; for lxc-create "
				       "--store TYPE,partition=%d)",
				 table_type(list), blkid_partition_get_partno(blkid_partlist_get_partition(list, 0)),
				 blkid_partition_get_partno(blkid_partlist_get_partition(list, 0)));
	if (blkid_probe_set_device(probe, fd, (blkid_loff_t)area->offset, (blkid_loff_t)area->size) < 0)
		return xasprintf("%s" NO_FS, part);
	other = find_other(probe) ?: image_content_advice(fd, area->offset);
	if (!other && partition)
		larger = find_with_larger_sectors(probe, fd, size, area);
	other = other ?: larger;
	return xasprintf("%s" NO_FS "%s%s", part, other ? "; " : "", other ?: "");
}

/* Read the size of a file or block device, whose size is not in its inode. Returns 0 or -errno. */
static int get_size(int fd, uint64_t *ret)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	*ret = (uint64_t)st.st_size;
	return S_ISBLK(st.st_mode) && ioctl(fd, BLKGETSIZE64, ret) < 0 ? -errno : 0;
}

/*
 * Check that the file system ends where its device does, or before, where the device has whole sectors only; and that
 * it contains its journal: else the kernel would open and write any device of the host that the superblock names.
 * Returns as image_probe() does.
 */
static int check_needs(int fd, uint64_t size, unsigned int partition, const struct image_area *area, char **ret_reason)
{
	uint64_t there = (area->size ?: size - area->offset) / SECTOR * SECTOR;
	uint64_t rounded = (size - area->offset + SECTOR - 1) / SECTOR * SECTOR;
	struct image_needs fs = { 0 };
	int r = image_content_needs(fd, area->offset, area->fstype, &fs);

	if (r < 0) {
		*ret_reason = xasprintf("cannot be read: %s", strerror(-r));
		return r;
	}
	if (fs.journal_elsewhere) {
		*ret_reason = xstrdup("keeps its journal on another device, which its superblock names: give it one of "
				      "its own (tune2fs -O ^has_journal, then tune2fs -j)");
		return -EINVAL;
	}
	if (fs.bytes <= there)
		return 0;
	if (partition)
		*ret_reason = xasprintf("partition %u is %" PRIu64 " bytes long, but the %s in it %" PRIu64
					": give it a larger partition",
					partition, area->size, area->fstype, fs.bytes);
	else if (area->size)
		*ret_reason = xasprintf("holds %s of %" PRIu64 " bytes, which sizelimit=%" PRIu64
					" cuts off: make sizelimit= at least %" PRIu64 ", or leave it out",
					area->fstype, fs.bytes, area->size, fs.bytes);
	else if (strcmp(area->fstype, "squashfs") == 0 && fs.bytes < rounded + 1024)
		*ret_reason = xasprintf("is not padded, as a loop device needs it for squashfs: truncate -s %%%d it",
					fs.bytes <= rounded ? SECTOR : 1024);
	else
		*ret_reason = xasprintf("is cut off: its %s has %" PRIu64 " bytes, of which %" PRIu64
					" are there; get a whole copy of it",
					area->fstype, fs.bytes, there);
	return -EINVAL;
}

/* Do the work of image_probe() for an image that is not empty, with a probe. */
static int probe_image(blkid_probe probe, int fd, uint64_t size, unsigned int partition, const char *fstype,
		       struct image_area *area, char **ret_reason)
{
	int r = 0;

	if (blkid_probe_set_device(probe, fd, 0, 0) < 0)
		goto unreadable;
	if (partition)
		r = find_partition(probe, fd, partition, area, ret_reason);
	if (r < 0)
		return r;
	if (area->offset >= size || area->size > size - area->offset) {
		*ret_reason = xasprintf("ends at byte %" PRIu64 ", before the end of %s", size,
					partition ? "the partition" : "offset and sizelimit");
		return -EINVAL;
	}
	if (blkid_probe_set_device(probe, fd, (blkid_loff_t)area->offset, (blkid_loff_t)area->size) < 0)
		goto unreadable;
	r = find_filesystem(probe, fstype, area, ret_reason);
	if (r == 0)
		r = check_needs(fd, size, partition, area, ret_reason);
	if (r != -ENODATA)
		return r;
	*ret_reason = no_filesystem(probe, fd, size, partition, area);
	return -EINVAL;
unreadable:
	*ret_reason = xstrdup("cannot be probed");
	return -EINVAL;
}

int image_probe(int fd, unsigned int partition, const char *fstype, struct image_area *area, char **ret_reason)
{
	blkid_probe probe;
	uint64_t size = 0;
	int r = get_size(fd, &size);

	if (r < 0 || !size) {
		*ret_reason = xstrdup(r < 0 ? strerror(-r) : "is empty");
		return r < 0 ? r : -EINVAL;
	}
	probe = must(blkid_new_probe());
	r = probe_image(probe, fd, size, partition, fstype, area, ret_reason);
	blkid_free_probe(probe);
	return r;
}
