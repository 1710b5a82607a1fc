/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * header-read - read parts of an untrusted image's header.
 */
#include "header-read.h"
#include "../base/cleanup.h"
#include "../kernel/image-content.h"

int header_refuse_magic(const struct image *image)
{
	const char *other = image_content_advice(image->fd, 0);

	return refuse(image, "is not %s (its header says otherwise)%s%s", image->format->name, other ? "; " : "",
		      other ?: "");
}

uint64_t header_whole_sectors(uint64_t bytes)
{
	return (bytes + SECTOR - 1) / SECTOR * SECTOR;
}

int header_refuse_errno(const struct image *image)
{
	int r = -errno;

	*image->reason = xasprintf("cannot be read: %s", strerror(-r));
	return r;
}

int header_read_padded(const struct image *image, uint64_t offset, void *buffer, size_t size)
{
	char *p = buffer;
	size_t done = 0;
	ssize_t n;

	memset(p, 0, size);
	do {
		n = pread(image->fd, p + done, size - done, (off_t)(offset + done));
		done += n > 0 ? (size_t)n : 0;
	} while (n > 0 || (n < 0 && errno == EINTR));
	return n < 0 ? header_refuse_errno(image) : 0;
}

int header_read_whole(const struct image *image, uint64_t offset, void *buffer, size_t size)
{
	if (offset > image->file_size || size > image->file_size - offset)
		return refuse(image, "ends within its %s header", image->format->name);
	return header_read_padded(image, offset, buffer, size);
}

/* A NUL byte is refused, as only some readers would end the name there. */
int header_read_name(const struct image *image, uint64_t offset, uint64_t size, uint64_t max, char **ret)
{
	char name[NAME_MAX_BYTES + 1];
	int r;

	if (size > max)
		return refuse_broken(image, "a name that is too long");
	r = header_read_whole(image, offset, name, size);
	if (r < 0)
		return r;
	if (memchr(name, '\0', size))
		return refuse_broken(image, "a NUL byte in a name");
	if (*ret)
		return refuse_broken(image, "a duplicate name");
	*ret = xstrndup(name, size);
	return 0;
}

int header_set_size(const struct image *image, uint64_t n, uint64_t unit)
{
	if (n > (uint64_t)INT64_MAX / unit)
		return refuse_broken(image, "size");
	image->refs->size = n * unit;
	return 0;
}
