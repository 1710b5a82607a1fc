/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

/* Where in an image the file system lies, and which it is. */
struct image_area {
	uint64_t offset;
	uint64_t size; /* 0: to the end of the image */
	char fstype[16];
};

/*
 * Find the file system in the open image (a file or a block device) by its superblock, among those we mount (ext2-4,
 * xfs, btrfs, squashfs, erofs).
 * Partition 0: the area as given in *area; else the area is that partition's (GPT or MBR). fstype: NULL, or the only
 * one accepted. On failure *ret_reason is a static or caller-freed text saying why (always set); returns -EINVAL or
 * -errno.
 */
int image_probe(int fd, unsigned int partition, const char *fstype, struct image_area *area, char **ret_reason);

/* A file system that no kernel can write. */
bool image_fs_readonly(const char *fstype);

/*
 * Lock the open image for as long as this open file description lives: other users of this program by flock(2),
 * QEMU and its tools by the byte locks they use themselves. Many readers, or one writer; waits at most ms for it.
 * served: QEMU is to open it after us, so its bytes are only looked at, and image_share(false) follows.
 * 0; -EWOULDBLOCK: one of us holds it; -EBUSY: QEMU does; or -errno. *ret_shared: other readers hold it too (not if
 * served).
 */
int image_lock(int fd, bool readonly, bool served, int ms, bool *ret_shared);

/* QEMU has opened the locked image: let no other QEMU write it (!share), which it would for raw images. */
void image_share(int fd, bool share);

/*
 * Test whether a process or the kernel (loop device, swap, shared mapping) has the file open for writing. fd must be
 * open for reading only. Returns 1, 0 or -errno; -EINVAL: the file system has no leases; -EACCES: the file belongs to
 * another user and the process lacks CAP_LEASE. After another error SIGIO may stay blocked (see fcntl(2), F_SETLEASE).
 */
int lease_is_written(int fd);

/*
 * Whether any process, or the kernel, has the file open for writing; fd is open for reading only. 1; 0; -EOPNOTSUPP:
 * the file's file system cannot tell (no leases: network file systems, FUSE), nor can a process without CAP_LEASE; or
 * another -errno.
 */
int image_is_written(int fd);

/* QEMU, or one of its tools, holds its lock for writing, or reading, on the open image. */
bool image_qemu_writes(int fd);
bool image_qemu_reads(int fd);
