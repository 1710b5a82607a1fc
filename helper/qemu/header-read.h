/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "header.h"

#include <stddef.h>
#include <stdint.h>

#define SECTOR		 512UL
#define NAME_MAX_BYTES	 1023	       /* QEMU's limit for names of files */
#define FORMAT_MAX_BYTES 15	       /* and for names of formats */
#define HEAD_BYTES	 (21 * SECTOR) /* the first, and 20 in which QEMU looks for a VMDK's descriptor */

struct image {
	int fd;
	const struct format *format;
	uint64_t file_size;
	uint8_t head[HEAD_BYTES + 1]; /* the start of the file, padded with zeros as by QEMU */
	struct header_refs *refs;
	char **reason;
};

struct format {
	const char *name;
	int (*read)(struct image *image);	    /* NULL: only check the magic */
	size_t header_bytes, magic_at, magic_bytes; /* magic_bytes 0: `read` checks it */
	const char *magic;
};

#define refuse(image, ...)	   (*(image)->reason = xasprintf(__VA_ARGS__), -EINVAL)
#define refuse_broken(image, what) refuse(image, "has a broken %s header (%s)", (image)->format->name, what)

/* Set the reason: the header is of another format. Returns -EINVAL. */
int header_refuse_magic(const struct image *image);
/* Set the reason: the file cannot be read. Returns -errno. */
int header_refuse_errno(const struct image *image);

/* Round bytes up to whole sectors. Returns bytes. */
uint64_t header_whole_sectors(uint64_t bytes);

/* Read from an offset of the file, padded with zeros after its end. Returns 0 or -errno, with the reason set. */
int header_read_padded(const struct image *image, uint64_t offset, void *buffer, size_t size);
/* Read from an offset; all of it must be in the file. Returns 0 or -errno, with the reason set. */
int header_read_whole(const struct image *image, uint64_t offset, void *buffer, size_t size);
/* Read the name at an offset; *ret is for the caller to free. Returns 0 or -errno, with the reason set. */
int header_read_name(const struct image *image, uint64_t offset, uint64_t size, uint64_t max, char **ret);

/* Set the virtual size of the image, n units. Returns 0 or -EINVAL, with the reason set. */
int header_set_size(const struct image *image, uint64_t n, uint64_t unit);
