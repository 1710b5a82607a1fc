/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

/* The area of an image in which a file system lies, and its type. */
struct image_area {
	uint64_t offset;
	uint64_t size; /* 0: to the end of the image */
	char fstype[16];
};

/*
 * Find the file system in the open image (a file or a block device) by its superblock, among those we mount (ext2-4,
 * xfs, btrfs, squashfs, erofs).
 * Partition 0: the area as given in *area; else the area is that partition's (GPT or MBR). fstype: NULL, or the only
 * type to accept. Returns 0, or -EINVAL or another -errno with *ret_reason, for the caller to free.
 */
int image_probe(int fd, unsigned int partition, const char *fstype, struct image_area *area, char **ret_reason);

/* Test whether a file system of this type is always read-only. */
bool image_fs_readonly(const char *fstype);

/*
 * Lock the open image for as long as this open file description lives: by flock(2) against other containers and
 * mounts, and by QEMU's byte locks against QEMU and its tools. Many readers or one writer; waits at most ms
 * milliseconds. served: QEMU opens the image afterwards, so its bytes are only tested, and image_share(false) follows.
 * Returns 0; -EWOULDBLOCK: another process has the flock(2); -EBUSY: QEMU has the image; or -errno. *ret_shared: the
 * image has other readers (not set if served).
 */
int image_lock(int fd, bool readonly, bool served, int ms, bool *ret_shared);

/* Keep any other QEMU from writing the locked image (!share) after our QEMU has opened it; or allow it. */
void image_share(int fd, bool share);

/*
 * Test whether a process or the kernel (loop device, swap, shared mapping) has the file open for writing. fd must be
 * open for reading only. Returns 1, 0 or -errno; -EINVAL: the file system has no leases; -EACCES: the file belongs to
 * another user and the process lacks CAP_LEASE. After another error SIGIO may stay blocked (see fcntl(2), F_SETLEASE).
 */
int lease_is_written(int fd);

/*
 * Test whether a process or the kernel has the file open for writing, as lease_is_written() does. Returns 1; 0;
 * -EOPNOTSUPP: unknown, since the file system has no leases (network file systems, FUSE) or the process lacks
 * CAP_LEASE; or another -errno.
 */
int image_is_written(int fd);

/* Test whether QEMU or one of its tools holds its lock for writing, or reading, on the open image; true if unknown. */
bool image_qemu_writes(int fd);
bool image_qemu_reads(int fd);
