/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* What a superblock says of what its file system needs. */
struct fs_size {
	uint64_t bytes;		/* as much of the device must be there */
	unsigned int block;	/* the kernel reads it in units of so many bytes */
	bool journal_elsewhere; /* its journal is on another device, which the kernel would open by its number */
};

/*
 * Read the needs of the file system of this type, one that image_probe() knows, that begins at offset in the open file.
 * 0; or -errno: it could not be read.
 */
int fs_size_read(int fd, uint64_t offset, const char *fstype, struct fs_size *ret);
