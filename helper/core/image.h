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
 * 0; -EWOULDBLOCK: one of us holds it; -EBUSY: QEMU does; or -errno. *ret_shared: other readers hold it too.
 */
int image_lock(int fd, bool readonly, int ms, bool *ret_shared);

/* QEMU's byte locks say that somebody has the open image, so that QEMU itself would refuse it now. */
bool image_in_use(int fd, bool readonly);
