/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "mount.h"

/* The layers of an overlay, as descriptors (O_PATH will do). */
struct layers {
	int *lowers; /* uppermost first; at most OVERLAYFS_LOWERS_MAX */
	size_t n;
	int upper, work; /* -EBADF both: a read-only overlay, of at least two lowers */
	bool is_volatile;
};

#define OVERLAYFS_LOWERS_MAX 500 /* the kernel's OVL_MAX_STACK */
#define OVERLAYFS_DEPTH_MAX  2	 /* the kernel's FILESYSTEM_MAX_STACK_DEPTH */

/*
 * Mount the layers, in the way that this kernel and the stage allow. The mount's fd, or -errno after one error line
 * that begins with `where`.
 */
int overlayfs_mount(const struct layers *layers, struct stage *stage, const char *where);

/*
 * Is the directory in use as upper or work by any overlay on this host, ours or not? `lower`: any other directory.
 * Asked of the kernel; nothing is written. 1, 0, or -errno when the kernel did not answer (not logged). As a condition,
 * unknown is true.
 */
int overlayfs_in_use(int dir, int lower);

/* Close and free all layers. */
void overlayfs_close(struct layers *layers);
