/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * What the bytes at offset in the open file look like, if not like a file system, and what to do with such a file: a
 * text for the end of an error line, a constant. NULL: like nothing known, or they cannot be read. It is advice alone:
 * nothing is ever opened by it, since a container may have written those bytes.
 */
const char *image_content_advice(int fd, uint64_t offset);

/* What a superblock says of what its file system needs. */
struct image_needs {
	uint64_t bytes;		/* as much of the device must be there */
	unsigned int block;	/* the kernel reads it in units of so many bytes */
	bool journal_elsewhere; /* its journal is on another device, which the kernel would open by its number */
};

/*
 * Read the needs of the file system of this type, one that image_probe() knows, that begins at offset in the open file.
 * 0; or -errno: it could not be read.
 */
int image_content_needs(int fd, uint64_t offset, const char *fstype, struct image_needs *ret);
