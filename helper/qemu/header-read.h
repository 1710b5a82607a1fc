/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "header.h"

#include <stddef.h>
#include <stdint.h>

#define SECTOR		 512UL
#define NAME_MAX_BYTES	 1023	       /* QEMU's limit for names of files */
#define FORMAT_MAX_BYTES 15	       /* and for names of formats */
#define HEAD_BYTES	 (21 * SECTOR) /* QEMU looks for a VMDK's descriptor in 20 behind the first */

struct image {
	int fd;
	const struct format *format;
	uint64_t file_size;
	uint8_t head[HEAD_BYTES + 1]; /* the start of the file; zeros behind its end, as for QEMU */
	struct header_refs *refs;
	char **reason;
};

struct format {
	const char *name;
	int (*read)(struct image *image);	    /* NULL: the magic is all */
	size_t header_bytes, magic_at, magic_bytes; /* no magic: `read` looks itself */
	const char *magic;
};

#define refuse(image, ...)	   (*(image)->reason = xasprintf(__VA_ARGS__), -EINVAL)
#define refuse_broken(image, what) refuse(image, "has a broken %s header (%s)", (image)->format->name, what)

/* Say that the header is of another format. -EINVAL. */
int header_refuse_magic(const struct image *image);
/* Say that the file cannot be read. -errno. */
int header_refuse_errno(const struct image *image);

/* Round up to whole sectors. */
uint64_t header_whole_sectors(uint64_t bytes);

/* Fill the buffer from an offset in the file, with zeros behind its end. 0 or -errno, and the reason. */
int header_read_padded(const struct image *image, uint64_t offset, void *buffer, size_t size);
/* The same for what must be in the file. */
int header_read_whole(const struct image *image, uint64_t offset, void *buffer, size_t size);
/* Set *ret to the name that is stored there, for the caller to free. 0 or -errno, and the reason. */
int header_read_name(const struct image *image, uint64_t offset, uint64_t size, uint64_t max, char **ret);

/* Note the size of what is in the image. 0 or -EINVAL, and the reason. */
int header_set_size(const struct image *image, uint64_t n, uint64_t unit);
