/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

/* A file system on a block device, and how to mount it. */
struct block_mount {
	const char *fstype; /* as image_probe found it */
	const char *name;   /* what messages call its image */
	const char *where;  /* what messages begin with */
	bool readonly;
	bool discard;
	bool fixed; /* the image lies on a read-only file system: for a hint alone */
	bool used;  /* others read the image: a repair would destroy what they see */
};

/* Mount it from a device node or a file. Mount fd or -errno (logged; if quiet, only that the kernel lacks fstype). */
int block_mount(const struct block_mount *blockfs, const char *source, bool quiet);

/*
 * Mount it from the open device of this name. The device is closed before: its last user is the mount. Mount fd or
 * -errno (logged).
 */
int block_mount_device(const struct block_mount *blockfs, int *device, const char *node);
