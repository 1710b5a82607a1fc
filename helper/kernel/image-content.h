/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * Recognize content at offset in the open file that is no file system. Returns what it looks like and what to do with
 * such a file, a constant for the end of an error line, or NULL: unknown or unreadable. It is only advice: a container
 * may have written those bytes, so nothing is ever opened because of it.
 */
const char *image_content_advice(int fd, uint64_t offset);

/* The needs of a file system, as its superblock has them. */
struct image_needs {
	uint64_t bytes;		/* the least size of its device */
	unsigned int block;	/* the kernel reads it in units of so many bytes */
	bool journal_elsewhere; /* its journal is on another device, which the kernel would open by its number */
};

/*
 * Read the needs of the file system at offset in the open file, whose type is one that image_probe() knows. Returns 0
 * or -errno.
 */
int image_content_needs(int fd, uint64_t offset, const char *fstype, struct image_needs *ret);
