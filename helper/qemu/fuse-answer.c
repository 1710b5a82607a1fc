/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fuse-answer - answer the kernel's requests to a FUSE file system that is a single file.
 */
#include "fuse-answer.h"
#include "../base/cleanup.h"

#include <sys/stat.h>
#include <sys/uio.h>

#define VALID_SECONDS 86400

/* Write an answer. Returns 0; -ENODEV: the file system has ended; or another -errno. */
static int write_answer(int fuse, uint64_t unique, int error, const void *data, size_t n)
{
	struct fuse_out_header header = { (uint32_t)(sizeof(header) + n), error, unique };
	struct iovec parts[] = { { &header, sizeof(header) }, { (void *)data, n } };

	while (writev(fuse, parts, n ? 2 : 1) < 0) {
		if (errno == ENOENT) /* the process that waited has given up */
			return 0;
		if (errno != EINTR)
			return -errno;
	}
	return 0;
}

/*
 * A process waits for each answer, without a time limit. If an answer cannot be written, EIO is. If that fails too, the
 * error ends the server and thereby the file system.
 */
int fuse_answer(int fuse, uint64_t unique, int error, const void *data, size_t n)
{
	int r = write_answer(fuse, unique, error, data, error ? 0 : n);

	return r < 0 && r != -ENODEV ? write_answer(fuse, unique, -EIO, NULL, 0) : r;
}

int fuse_answer_init(int fuse, uint64_t unique, const struct fuse_init_in *in)
{
	const struct fuse_init_out out = {
		.major = FUSE_KERNEL_VERSION,
		.minor = in->minor < FUSE_KERNEL_MINOR_VERSION ? in->minor : FUSE_KERNEL_MINOR_VERSION,
		.max_readahead = in->max_readahead,
		.flags = in->flags & (FUSE_ASYNC_READ | FUSE_BIG_WRITES | FUSE_ASYNC_DIO | FUSE_MAX_PAGES),
		.max_background = FUSE_SLOTS,
		.congestion_threshold = FUSE_SLOTS,
		.max_write = FUSE_MAX_IO,
		.time_gran = 1,
		.max_pages = FUSE_MAX_IO / 4096,
	};

	return fuse_answer(fuse, unique, 0, &out, sizeof(out));
}

int fuse_answer_attr(int fuse, uint64_t unique, uint64_t size)
{
	const struct fuse_attr_out out = {
		.attr_valid = VALID_SECONDS,
		.attr = {
			.ino = FUSE_ROOT_ID,
			.size = size,
			.blocks = size / 512,
			.mode = S_IFREG | 0600,
			.nlink = 1,
			.blksize = 4096,
		},
	};

	return fuse_answer(fuse, unique, 0, &out, sizeof(out));
}

/* The block size becomes the loop device's granularity of discards. */
int fuse_answer_statfs(int fuse, uint64_t unique)
{
	const struct fuse_statfs_out out = { .st = { .bsize = 4096, .frsize = 4096, .namelen = 255 } };

	return fuse_answer(fuse, unique, 0, &out, sizeof(out));
}
