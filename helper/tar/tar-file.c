/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tar-file - write the headers and data of a tar.
 *
 * libarchive is not used, as it writes a time's fraction only together with some other
 * extended record, or a kilobyte of them for every file, and converts names to
 * UTF-8 from the locale's, of which a static program has none. Here
 * a small file is read by one system call, and a large one takes no memory.
 */
#include "tar-file.h"
#include "../base/cleanup.h"

#include <fcntl.h>
#include <stdbool.h>
#include <sys/sendfile.h>
#include <sys/stat.h>

#define BLOCK	512U
#define PORTION (16 << 20) /* between two of its progress */

struct header {
	char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], sum[8], type, link[100];
	char magic[6], version[2], uname[32], gname[32], major[8], minor[8], prefix[155], pad[12];
};
_Static_assert(sizeof(struct header) == BLOCK, "a header is one block");

struct tarfile *tarfile_new(int fd)
{
	struct tarfile *tar = xcalloc(1, sizeof(*tar));

	tar->fd = fd;
	/* A reader on another processor is woken up less often; no harm if it is none or may not be larger. */
	(void)fcntl(fd, F_SETPIPE_SZ, 1 << 20);
	tar->pax = must(malloc(TARFILE_PAX));
	return tar;
}

void tarfile_free(struct tarfile *tar)
{
	free(tar->pax);
	free(tar);
}

/* Tell the progress. Returns 0, or -errno to end. */
static int tell(struct tarfile *tar, uint64_t written)
{
	int r = tar->progress ? copy_progress(tar->progress, written, 0) : 0;

	return r < 0 ? (tar->failed = r) : 0;
}

static int flush(struct tarfile *tar)
{
	uint64_t written = tar->used;

	for (size_t done = 0; done < tar->used;) {
		ssize_t n = write(tar->fd, tar->buffer + done, tar->used - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return tar->failed = -errno;
		done += (size_t)n;
	}
	tar->used = 0;
	return tell(tar, written);
}

/* Write bytes, or (data NULL) zeros. */
static int put(struct tarfile *tar, const void *data, uint64_t n)
{
	while (n) {
		size_t part = sizeof(tar->buffer) - tar->used;

		if (!part) {
			if (flush(tar) < 0)
				return tar->failed;
			continue;
		}
		part = part < n ? part : (size_t)n;
		if (data) {
			(void)memcpy(tar->buffer + tar->used, data, part);
			data = (const char *)data + part;
		} else {
			memset(tar->buffer + tar->used, 0, part);
		}
		tar->used += part;
		n -= part;
	}
	return 0;
}

static int pad(struct tarfile *tar, uint64_t size)
{
	return put(tar, NULL, -size % BLOCK);
}

int tarfile_record(struct tarfile *tar, const char *key, const char *name, const void *value, size_t size)
{
	/* "LENGTH KEY=VALUE\n", and LENGTH counts itself. */
	size_t rest = 1 + strlen(key) + strlen(name) + 1 + size + 1, length = rest + 1;
	char number[24];
	int n;

	while (rest + (size_t)(n = snprintf(number, sizeof(number), "%zu", length)) != length)
		length = rest + (size_t)n;
	if (size > TARFILE_PAX || length >= TARFILE_PAX - tar->npax)
		return -E2BIG;
	tar->npax += (size_t)snprintf(tar->pax + tar->npax, length + 1, "%s %s%s=", number, key, name);
	(void)memcpy(tar->pax + tar->npax, value, size);
	tar->npax += size;
	tar->pax[tar->npax++] = '\n';
	return 0;
}

static int record_text(struct tarfile *tar, const char *key, const char *value)
{
	return tarfile_record(tar, key, "", value, strlen(value));
}

/* Write octal digits, if there is room for them; else GNU's binary format, and a record: so a reader that knows only
 * one of the two reads the number, too. */
static int number(struct tarfile *tar, char *field, size_t size, uint64_t value, const char *key)
{
	char text[24];

	if (value >> (3 * (size - 1)) == 0) {
		for (size_t i = size - 1; i-- > 0; value >>= 3)
			field[i] = (char)('0' + (value & 7));
		return 0;
	}
	(void)snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	for (size_t i = size; i-- > 0; value >>= 8)
		field[i] = (char)(value & 0xff);
	field[0] |= (char)0x80;
	return key ? record_text(tar, key, text) : 0;
}

static int set_time(struct tarfile *tar, char *field, size_t size, int64_t seconds, uint32_t nanoseconds)
{
	char text[40];

	(void)number(tar, field, size, seconds < 0 ? 0 : (uint64_t)seconds, NULL);
	if (seconds >= 0 && !nanoseconds && seconds >> 33 == 0)
		return 0;
	/* Before the epoch no fraction: GNU tar and libarchive read it with the wrong sign. */
	if (seconds < 0)
		(void)snprintf(text, sizeof(text), "%lld", (long long)seconds);
	else
		(void)snprintf(text, sizeof(text), "%lld.%09u", (long long)seconds, nanoseconds);
	return record_text(tar, "mtime", text);
}

/* Write the name whole, or split at a slash, or cut and with a record. */
static int set_name(struct tarfile *tar, struct header *header, const char *path)
{
	size_t n = strlen(path), at;

	if (n > sizeof(header->name) && n <= sizeof(header->name) + 1 + sizeof(header->prefix)) {
		for (at = n - sizeof(header->name) - 1; at < n - 1 && (path[at] != '/' || !at); at++)
			;
		if (at < n - 1 && at <= sizeof(header->prefix)) {
			(void)memcpy(header->prefix, path, at);
			(void)memcpy(header->name, path + at + 1, n - at - 1);
			return 0;
		}
	}
	if (n <= sizeof(header->name)) {
		(void)memcpy(header->name, path, n);
		return 0;
	}
	(void)memcpy(header->name, path, sizeof(header->name));
	return record_text(tar, "path", path);
}

static int set_link(struct tarfile *tar, struct header *header, const char *link)
{
	size_t n = strlen(link);

	(void)memcpy(header->link, link, n < sizeof(header->link) ? n : sizeof(header->link));
	return n <= sizeof(header->link) ? 0 : record_text(tar, "linkpath", link);
}

static int put_header(struct tarfile *tar, struct header *header, char type)
{
	unsigned int sum = 0;

	header->type = type;
	(void)memcpy(header->magic, "ustar", sizeof(header->magic));
	(void)memcpy(header->version, "00", sizeof(header->version));
	memset(header->sum, ' ', sizeof(header->sum));
	for (size_t i = 0; i < sizeof(*header); i++)
		sum += ((const unsigned char *)header)[i];
	(void)snprintf(header->sum, sizeof(header->sum) - 1, "%06o", sum);
	return put(tar, header, sizeof(*header));
}

/* Write the extended header with the records. */
static int put_pax(struct tarfile *tar)
{
	struct header header = { .name = "././@PaxHeader" };

	(void)number(tar, header.mode, sizeof(header.mode), 0644, NULL);
	(void)number(tar, header.uid, sizeof(header.uid), 0, NULL);
	(void)number(tar, header.gid, sizeof(header.gid), 0, NULL);
	(void)number(tar, header.size, sizeof(header.size), tar->npax, NULL);
	(void)number(tar, header.mtime, sizeof(header.mtime), 0, NULL);
	(void)put_header(tar, &header, 'x');
	(void)put(tar, tar->pax, tar->npax);
	(void)pad(tar, tar->npax);
	tar->npax = 0;
	return tar->failed;
}

int tarfile_entry(struct tarfile *tar, const struct tarfile_entry *entry)
{
	struct header header = { 0 };
	int r = set_name(tar, &header, entry->path);

	if (r == 0)
		r = set_link(tar, &header, entry->link);
	if (r == 0)
		r = number(tar, header.mode, sizeof(header.mode), entry->mode, NULL);
	if (r == 0)
		r = number(tar, header.uid, sizeof(header.uid), entry->uid, "uid");
	if (r == 0)
		r = number(tar, header.gid, sizeof(header.gid), entry->gid, "gid");
	if (r == 0)
		r = number(tar, header.size, sizeof(header.size), entry->size, "size");
	if (r == 0)
		r = set_time(tar, header.mtime, sizeof(header.mtime), entry->seconds, entry->nanoseconds);
	if (r == 0 && (entry->type == '3' || entry->type == '4')) {
		(void)number(tar, header.major, sizeof(header.major), entry->major, NULL);
		(void)number(tar, header.minor, sizeof(header.minor), entry->minor, NULL);
	}
	if (r == 0 && tar->npax)
		r = put_pax(tar);
	return r < 0 ? r : put_header(tar, &header, entry->type);
}

/* Read a small file into the buffer. One byte more is asked for, which shows whether the file has grown. */
static int read_small(struct tarfile *tar, int fd, size_t size)
{
	size_t got = 0;

	if (tar->used + size + 1 > sizeof(tar->buffer) && flush(tar) < 0)
		return tar->failed;
	while (got <= size) {
		ssize_t n = read(fd, tar->buffer + tar->used + got, size + 1 - got);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		got += (size_t)n;
		if (got == size)
			break; /* the file ended */
	}
	if (got != size)
		return -ESTALE;
	tar->used += size;
	return 0;
}

/* Copy data from offset to end through the buffer, for outputs that sendfile(2) does not take. */
static int copy_data(struct tarfile *tar, int fd, off_t offset, off_t end)
{
	while (offset < end) {
		size_t part = sizeof(tar->buffer);
		ssize_t n;

		if (flush(tar) < 0)
			return tar->failed;
		part = (off_t)part < end - offset ? part : (size_t)(end - offset);
		n = pread(fd, tar->buffer, part, offset);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -ESTALE;
		tar->used = (size_t)n;
		offset += n;
	}
	return 0;
}

static int send_data(struct tarfile *tar, int fd, off_t offset, off_t end)
{
	if (flush(tar) < 0)
		return tar->failed;
	while (offset < end) {
		off_t part = end - offset < PORTION ? end - offset : PORTION;
		ssize_t n = sendfile(tar->fd, fd, &offset, (size_t)part);

		if (n < 0 && errno == EINTR)
			continue;
		/* Only a read and a write tell whose failure it was. */
		if (n < 0)
			return copy_data(tar, fd, offset, end);
		if (n == 0)
			return -ESTALE;
		if (tell(tar, (uint64_t)n) < 0)
			return tar->failed;
	}
	return 0;
}

static int read_large(struct tarfile *tar, int fd, off_t size, bool holes)
{
	struct stat st;
	int r = 0;

	for (off_t at = 0, end; r == 0 && at < size; at = end) {
		off_t data = holes ? lseek(fd, at, SEEK_DATA) : at;

		if (data < 0 && errno != ENXIO)
			return -errno;
		if (data < 0 || data > size)
			data = size;
		r = put(tar, NULL, (uint64_t)(data - at));
		end = holes && data < size ? lseek(fd, data, SEEK_HOLE) : size;
		if (end < 0)
			return errno == ENXIO ? -ESTALE : -errno;
		end = end < size ? end : size;
		if (r == 0)
			r = send_data(tar, fd, data, end);
	}
	if (r < 0)
		return r;
	if (fstat(fd, &st) < 0)
		return -errno;
	return st.st_size == size ? 0 : -ESTALE;
}

int tarfile_contents(struct tarfile *tar, int fd, uint64_t size, uint64_t allocated)
{
	int r = size < sizeof(tar->buffer) / 2 ? read_small(tar, fd, (size_t)size)
					       : read_large(tar, fd, (off_t)size, allocated < size);

	return r < 0 ? r : pad(tar, size);
}

int tarfile_end(struct tarfile *tar)
{
	(void)put(tar, NULL, (uint64_t)2 * BLOCK);
	return tar->failed < 0 ? tar->failed : flush(tar);
}
