/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * image - what an image file holds, and who may use it.
 *
 * The file system comes from libblkid and an allow-list, never from trying
 * drivers: a fuzzed superblock must not reach every file system in the kernel.
 *
 * Both locks belong to the open file description. A loop device keeps that
 * description open, so the lock lives exactly as long as the device: no
 * process needs to stay, and SIGKILL cannot leave a stale one.
 */
#include "image.h"
#include "cleanup.h"
#include "fssize.h"
#include "proc.h"

#include <blkid/blkid.h>
#include <endian.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/vfs.h>

#ifndef CIFS_SUPER_MAGIC
#define CIFS_SUPER_MAGIC 0xff534d42
#endif
#ifndef SMB2_SUPER_MAGIC
#define SMB2_SUPER_MAGIC 0xfe534d42
#endif

#define SECTOR 512 /* libblkid's unit for partitions, whatever the disk's */

#define NO_FS  "holds no file system of ext2, ext3, ext4, xfs, btrfs, squashfs, erofs"

static const char *const filesystems[] = { "ext4", "ext3", "ext2", "xfs", "btrfs", "squashfs", "erofs", NULL };

bool image_fs_readonly(const char *fstype)
{
	return strcmp(fstype, "squashfs") == 0 || strcmp(fstype, "erofs") == 0;
}

/* The image's partitions, with whichever sector size there is a table. NULL: none. */
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

/* Narrow *area to the partition; *ret_reason as image_probe says. */
static int find_partition(blkid_probe probe, unsigned int number, struct image_area *area, char **ret_reason)
{
	blkid_partlist list = find_table(probe);
	blkid_partition part;

	if (!list) {
		*ret_reason = xasprintf("has no partition table, so no partition %u", number);
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

/* Why nothing was found: with a partition table, the file systems are in its partitions. For the caller to free. */
static char *no_filesystem(blkid_probe probe, int fd, unsigned int partition)
{
	blkid_partlist list = NULL;

	if (partition)
		return xasprintf("partition %u " NO_FS, partition);
	if (blkid_probe_set_device(probe, fd, 0, 0) == 0)
		list = find_table(probe);
	if (!list || blkid_partlist_numof_partitions(list) < 1)
		return xstrdup(NO_FS);
	return xasprintf(NO_FS ", but a %s partition table: name a partition (IMAGE:%d)", table_type(list),
			 blkid_partition_get_partno(blkid_partlist_get_partition(list, 0)));
}

/* -ENODATA, without a reason: there is none. */
static int find_filesystem(blkid_probe probe, const char *wanted, struct image_area *area, char **ret_reason)
{
	const char *found = NULL;
	char *names[ARRAY_SIZE(filesystems)];
	int r;

	memcpy(names, filesystems, sizeof(names));
	(void)blkid_probe_enable_superblocks(probe, 1);
	(void)blkid_probe_set_superblocks_flags(probe, BLKID_SUBLKS_TYPE | BLKID_SUBLKS_MAGIC);
	(void)blkid_probe_filter_superblocks_type(probe, BLKID_FLTR_ONLYIN, names);
	r = blkid_do_safeprobe(probe);
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

/*
 * An ext3 or ext4 may say in its superblock that its journal is on another device, by number: the kernel would open
 * that device of the host's, and write to it. See ext4's disk layout in the kernel's documentation. 0 or -errno.
 */
static int check_journal(int fd, const struct image_area *area, char **ret_reason)
{
	enum { SUPER = 1024, FEATURES = 92, JOURNAL_INODE = 224, HAS_JOURNAL = 4 };
	uint32_t super[256], features, inode;
	ssize_t n;

	if (strncmp(area->fstype, "ext", 3) != 0)
		return 0;
	n = pread(fd, super, sizeof(super), (off_t)area->offset + SUPER);
	if (n != (ssize_t)sizeof(super)) {
		*ret_reason = xstrdup("cannot be read");
		return n < 0 ? -errno : -EIO;
	}
	features = le32toh(super[FEATURES / sizeof(*super)]);
	inode = le32toh(super[JOURNAL_INODE / sizeof(*super)]);
	if (!(features & HAS_JOURNAL) || inode)
		return 0;
	*ret_reason = xstrdup("keeps its journal on another device, which its superblock names: give it one of its own "
			      "(tune2fs -O ^has_journal, then tune2fs -j)");
	return -EINVAL;
}

/* A block device's size is not in its inode. 0 or -errno. */
static int get_size(int fd, uint64_t *ret)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	*ret = (uint64_t)st.st_size;
	return S_ISBLK(st.st_mode) && ioctl(fd, BLKGETSIZE64, ret) < 0 ? -errno : 0;
}

/*
 * The file system must end where its device does, or before. The device has whole sectors only. 0 or -errno, with
 * *ret_reason as image_probe says.
 */
static int check_size(int fd, uint64_t size, unsigned int partition, const struct image_area *area, char **ret_reason)
{
	uint64_t there = (area->size ?: size - area->offset) / SECTOR * SECTOR;
	uint64_t rounded = (size - area->offset + SECTOR - 1) / SECTOR * SECTOR;
	struct fs_size fs = { 0 };
	int r = fs_size_read(fd, area->offset, area->fstype, &fs);

	if (r < 0) {
		*ret_reason = xasprintf("cannot be read: %s", strerror(-r));
		return r;
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

/* image_probe for an image that is not empty, with its own probe. */
static int probe_image(blkid_probe probe, int fd, uint64_t size, unsigned int partition, const char *fstype,
		       struct image_area *area, char **ret_reason)
{
	int r = 0;

	if (blkid_probe_set_device(probe, fd, 0, 0) < 0)
		goto unreadable;
	if (partition)
		r = find_partition(probe, partition, area, ret_reason);
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
		r = check_journal(fd, area, ret_reason) ?: check_size(fd, size, partition, area, ret_reason);
	if (r != -ENODATA)
		return r;
	*ret_reason = no_filesystem(probe, fd, partition);
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

/*
 * QEMU's image locks (block/file-posix.c): who uses a permission holds a read lock on byte 100 + permission, who does
 * not share it one on 200 + permission; then each looks whether another holds the opposite byte.
 */
enum { QEMU_READ = 0, QEMU_WRITE = 1, QEMU_RESIZE = 3 };

/* Does another hold the byte? 1, 0 or -errno. */
static int qemu_byte_taken(int fd, off_t byte)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1 };

	return fcntl(fd, F_OFD_GETLK, &lock) < 0 ? -errno : lock.l_type != F_UNLCK;
}

bool image_qemu_writes(int fd)
{
	return qemu_byte_taken(fd, 100 + QEMU_WRITE);
}

bool image_qemu_reads(int fd)
{
	return qemu_byte_taken(fd, 100 + QEMU_READ);
}

static int qemu_lock(int fd, bool readonly, bool *ret_shared)
{
	static const off_t reader[] = { 100 + QEMU_READ, 200 + QEMU_WRITE, 200 + QEMU_RESIZE };
	static const off_t writer[] = { 100 + QEMU_READ, 100 + QEMU_WRITE, 100 + QEMU_RESIZE, 200 + QEMU_WRITE,
					200 + QEMU_RESIZE };
	const off_t *bytes = readonly ? reader : writer;
	size_t n = readonly ? ARRAY_SIZE(reader) : ARRAY_SIZE(writer);
	int r = qemu_byte_taken(fd, 100 + QEMU_READ);

	if (r < 0)
		return r;
	*ret_shared = r;
	for (size_t i = 0; i < n; i++) {
		struct flock lock = { .l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = bytes[i], .l_len = 1 };

		if (fcntl(fd, F_OFD_SETLK, &lock) < 0)
			return errno == EAGAIN || errno == EACCES ? -EBUSY : -errno;
	}
	for (size_t i = 0; i < n; i++) {
		r = qemu_byte_taken(fd, bytes[i] < 200 ? bytes[i] + 100 : bytes[i] - 100);
		if (r)
			return r < 0 ? r : -EBUSY;
	}
	return 0;
}

static int try_lock(int fd, bool readonly, bool served, bool *ret_shared)
{
	struct flock unlock = { .l_type = F_UNLCK, .l_whence = SEEK_SET };
	int r;

	if (flock(fd, (readonly ? LOCK_SH : LOCK_EX) | LOCK_NB) < 0)
		return -errno;
	if (served) {
		/* Somebody writes; or shares no writing. */
		r = qemu_byte_taken(fd, 100 + QEMU_WRITE);
		if (r == 0 && !readonly)
			r = qemu_byte_taken(fd, 200 + QEMU_WRITE);
		r = r > 0 ? -EBUSY : r;
	} else {
		r = qemu_lock(fd, readonly, ret_shared);
	}
	if (r < 0) {
		(void)fcntl(fd, F_OFD_SETLK, &unlock);
		(void)flock(fd, LOCK_UN);
	}
	return r;
}

int image_lock(int fd, bool readonly, bool served, int ms, bool *ret_shared)
{
	long long until = proc_now() + ms;

	for (;;) {
		int r = try_lock(fd, readonly, served, ret_shared);

		if ((r != -EWOULDBLOCK && r != -EBUSY) || proc_now() >= until)
			return r;
		proc_sleep(5);
	}
}

void image_share(int fd, bool share)
{
	static const off_t bytes[] = { 200 + QEMU_WRITE, 200 + QEMU_RESIZE };

	for (size_t i = 0; i < ARRAY_SIZE(bytes); i++) {
		struct flock lock = { .l_whence = SEEK_SET, .l_start = bytes[i], .l_len = 1 };

		lock.l_type = share ? F_UNLCK : F_RDLCK;
		(void)fcntl(fd, F_OFD_SETLK, &lock);
	}
}

/*
 * A read lease is granted for a file that nobody has open for writing (fcntl(2)), loop devices, swap and memory maps
 * included. Network file systems refuse it for reasons of their own.
 */
int image_is_written(int fd)
{
	static const long network[] = { NFS_SUPER_MAGIC, SMB_SUPER_MAGIC, CIFS_SUPER_MAGIC, SMB2_SUPER_MAGIC,
					CEPH_SUPER_MAGIC };
	struct statfs st;

	if (fstatfs(fd, &st) < 0)
		return -EOPNOTSUPP;
	for (size_t i = 0; i < ARRAY_SIZE(network); i++)
		if ((unsigned int)st.f_type == (unsigned int)network[i])
			return -EOPNOTSUPP;
	if (fcntl(fd, F_SETLEASE, F_RDLCK) < 0)
		return errno == EAGAIN ? 1 : -EOPNOTSUPP;
	(void)fcntl(fd, F_SETLEASE, F_UNLCK);
	return 0;
}
