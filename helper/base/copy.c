/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * copy - copy the contents of a file: as shared blocks, or as data without holes.
 */
#include "copy.h"
#include "cleanup.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#define PORTION (4U << 20) /* bytes between two ticks */

int copy_progress(struct copy *copy, uint64_t bytes, uint64_t files)
{
	copy->bytes += bytes;
	copy->files += files;
	return copy->tick ? copy->tick(copy) : 0;
}

/* Read and write up to n bytes (at most COPY_BUFFER). Returns their number, 0: the end of the file; or -errno. */
static ssize_t pump(struct copy_way *way, int from, int to, off_t at, size_t n)
{
	ssize_t got = pread(from, way->buffer, n, at);

	for (ssize_t done = 0; done < got;) {
		ssize_t put = pwrite(to, way->buffer + done, (size_t)(got - done), at + done);

		if (put < 0 && errno != EINTR)
			return -errno;
		done += put < 0 ? 0 : put;
	}
	return got < 0 ? -errno : got;
}

static int copy_data(struct copy_way *way, int from, int to, off_t at, off_t end)
{
	uint64_t told = 0;
	ssize_t n;
	int r;

	for (; at < end; at += n) {
		size_t want = (size_t)(end - at);
		off_t in = at, out = at;

		n = 0;
		if (!way->no_range && want > COPY_BUFFER) {
			n = copy_file_range(from, &in, to, &out, want < PORTION ? want : PORTION, 0);
			if (n < 0 && errno == ENOSPC)
				return -ENOSPC;
			way->no_range = n < 0 && errno != EINTR;
		}
		if (n <= 0)
			n = pump(way, from, to, at, want < COPY_BUFFER ? want : COPY_BUFFER);
		if (n == -EINTR)
			n = 0;
		else if (n < 0)
			return (int)n;
		else if (n == 0)
			break; /* the file was truncated */
		told += (uint64_t)n;
		if (told >= PORTION) {
			r = copy_progress(way->copy, told, 0);
			if (r < 0)
				return r;
			told = 0;
		}
	}
	way->copy->bytes += told;
	return 0;
}

int copy_contents(struct copy_way *way, int from, int to, uint64_t size, uint64_t allocated)
{
	off_t end = (off_t)size, data, hole = 0;
	int r = 0;

	if (!size)
		return 0;
	if (!way->no_clone) {
		if (ioctl(to, FICLONE, from) == 0)
			return copy_progress(way->copy, size < allocated ? size : allocated, 0);
		way->no_clone = errno == EXDEV || errno == EOPNOTSUPP || errno == ENOTTY || errno == ENOSYS;
	}
	if (size <= COPY_BUFFER && allocated >= size)
		return copy_data(way, from, to, 0, end);
	while (r == 0 && hole < end) {
		data = lseek(from, hole, SEEK_DATA);
		if (data < 0 && errno == ENXIO)
			break;
		if (data < 0)
			data = hole;
		hole = lseek(from, data, SEEK_HOLE);
		if (hole < 0 || hole > end)
			hole = end;
		r = copy_data(way, from, to, data, hole);
	}
	return r < 0 || ftruncate(to, end) == 0 ? r : -errno;
}

int copy_file(int from, int to, struct copy *copy)
{
	_cleanup_free_ char *buffer = xcalloc(1, COPY_BUFFER);
	struct copy_way way = { .copy = copy, .buffer = buffer };
	struct stat st;
	int r;

	*copy->error = '\0';
	if (fstat(from, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	(void)posix_fadvise(from, 0, 0, POSIX_FADV_SEQUENTIAL);
	r = copy_contents(&way, from, to, (uint64_t)st.st_size, (uint64_t)st.st_blocks * 512);
	return r ?: copy_progress(copy, 0, 1);
}
