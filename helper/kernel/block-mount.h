/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

/* A file system on a block device, and how to mount it. */
struct block_mount {
	const char *fstype; /* as image_probe found it */
	const char *name;   /* the image's name in messages */
	const char *where;  /* the beginning of messages */
	bool readonly;
	bool discard;
	bool fixed; /* the image lies on a read-only file system; only for hints in messages */
	bool used;  /* the image has other readers, so messages must not advise a repair */
};

/* Mount a device node or a file. Returns the mount's descriptor or -errno (logged; if quiet, only that the kernel lacks
 * fstype). */
int block_mount(const struct block_mount *blockfs, const char *source, bool quiet);

/*
 * Mount the open device of this name. The device is closed before, so that the mount is its last user. Returns the
 * mount's descriptor or -errno (logged).
 */
int block_mount_device(const struct block_mount *blockfs, int *device, const char *node);
