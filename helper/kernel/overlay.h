/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "mount.h"
#include "namespace.h"

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
 * Mount the layers, in the way that this kernel and the stage allow. Returns the mount's descriptor, or -errno after
 * one error line that begins with `where`.
 */
int overlayfs_mount(const struct layers *layers, struct stage *stage, const char *where);

/* Set an overlay's option to a directory, as a descriptor or as a path in /proc. Returns 0 or -errno. */
int overlayfs_set_layer(struct fs *fs, const char *key, int layer, bool by_fd);
/* Set the options that every overlay of ours has; `index`: with an index all the same. Returns 0 or -errno. */
int overlayfs_set_fixed(struct fs *fs, bool index);

/*
 * Test whether any overlay on this host, ours or not, uses the directory as its upper or work directory. `lower`: any
 * other directory. The kernel is asked; nothing is written. Returns 1, 0, or -errno when the kernel did not answer (not
 * logged). As a condition, unknown is true.
 */
int overlayfs_in_use(int dir, int lower);

/* Close all layers and free their list. */
void overlayfs_close(struct layers *layers);
