/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * untar-input - the entries of a tar.
 *
 * libarchive is used twice: once to take the compression away, once to parse
 * what that gives. So we see how much of the tar the parser takes for one
 * header, and end it before a header of any size becomes memory.
 */
#include "untar-input.h"
#include "../core/cleanup.h"

#include <sys/resource.h>
#include <unistd.h>

#define BLOCK	   (256 << 10)
#define HEADER_MAX (256 << 10) /* what stands before the data of one file, a map of its holes included */
#define REST_MAX   (1 << 20)
#define MEMORY_MAX 160 /* MiB that a compression may take */

/* What is wrong, as the one or the other says it. */
static void explain(struct input *input, struct archive *archive, const char *otherwise)
{
	const char *why = archive_error_string(archive);

	if (*input->why)
		return;
	if (archive_errno(archive) == ENOMEM || (why && strstr(why, "llocat")))
		(void)snprintf(input->why, sizeof(input->why), "it needs more memory to decompress than %d MiB",
			       MEMORY_MAX);
	else
		(void)snprintf(input->why, sizeof(input->why), "%s", why ?: otherwise);
}

static int fail(struct input *input, struct archive *archive)
{
	int r = archive_errno(archive);

	explain(input, archive, "the tar is damaged");
	/* libarchive has numbers of its own below zero. */
	return r > 0 && r < 4096 ? -r : -EINVAL;
}

static int refuse(struct input *input, int r, const char *why)
{
	(void)snprintf(input->why, sizeof(input->why), "%s", why);
	return r;
}

static la_ssize_t give(struct archive *tar, void *arg, const void **ret)
{
	struct input *input = arg;
	la_int64_t offset;
	size_t size = 0;
	int r;

	if (input->given > input->most) {
		archive_set_error(tar, EFBIG, "its header is too long");
		return ARCHIVE_FATAL;
	}
	r = archive_read_data_block(input->plain, ret, &size, &offset);
	if (r == ARCHIVE_EOF)
		return 0;
	if (r < ARCHIVE_OK) {
		explain(input, input->plain, "the input is damaged");
		archive_set_error(tar, archive_errno(input->plain), "%s", input->why);
		return ARCHIVE_FATAL;
	}
	input->given += size;
	for (size_t i = 0; i < size && !input->begun; i++)
		input->begun = ((const char *)*ret)[i];
	return (la_ssize_t)size;
}

/* How much memory it takes to decompress, the input says. So no more is to be had, until input_close(). */
static void limit_memory(struct input *input)
{
	unsigned long long pages = 0;
	struct rlimit limit;
	FILE *f = fopen("/proc/self/statm", "re");

	if (f && fscanf(f, "%*u %*u %*u %*u %*u %llu", &pages) == 1 && getrlimit(RLIMIT_DATA, &limit) == 0) {
		input->before = limit.rlim_cur;
		limit.rlim_cur = pages * (unsigned long long)sysconf(_SC_PAGESIZE) + ((rlim_t)MEMORY_MAX << 20);
		input->limited = limit.rlim_cur < input->before && setrlimit(RLIMIT_DATA, &limit) == 0;
	}
	if (f)
		(void)fclose(f);
}

int input_open(struct input *input, int fd)
{
	struct archive_entry *entry;
	int r;

	*input = (struct input){ .plain = must(archive_read_new()), .tar = must(archive_read_new()) };
	input->most = HEADER_MAX;
#ifndef __SANITIZE_ADDRESS__ /* it keeps what was freed */
	limit_memory(input);
#endif
	(void)archive_read_support_format_raw(input->plain);
	(void)archive_read_support_format_empty(input->plain);
	(void)archive_read_support_filter_gzip(input->plain);
	(void)archive_read_support_filter_zstd(input->plain);
	(void)archive_read_support_filter_xz(input->plain);
	(void)archive_read_support_filter_bzip2(input->plain);
	(void)archive_read_support_format_tar(input->tar);
	/* Names are bytes. */
	(void)archive_read_set_format_option(input->tar, "tar", "hdrcharset", "BINARY");
	if (archive_read_open_fd(input->plain, fd, BLOCK) != ARCHIVE_OK)
		return fail(input, input->plain);
	r = archive_read_next_header(input->plain, &entry);
	if (r == ARCHIVE_EOF)
		return refuse(input, -ENODATA, "the input is empty");
	if (r != ARCHIVE_OK)
		return fail(input, input->plain);
	/* The last of them is the input itself. */
	input->compressed = archive_filter_count(input->plain) > 1;
	if (archive_filter_count(input->plain) > 2)
		return refuse(input, -EINVAL, "the input is compressed more than once");
	return archive_read_open(input->tar, input, NULL, give, NULL) == ARCHIVE_OK ? 0 : fail(input, input->tar);
}

void input_close(struct input *input)
{
	struct rlimit limit;

	if (input->limited && getrlimit(RLIMIT_DATA, &limit) == 0) {
		limit.rlim_cur = input->before;
		(void)setrlimit(RLIMIT_DATA, &limit);
	}
	input->limited = false;
	if (input->tar)
		(void)archive_read_free(input->tar);
	if (input->plain)
		(void)archive_read_free(input->plain);
	input->tar = input->plain = NULL;
}

/*
 * What is behind the tar: padding, which whoever writes to us should get rid of, and what tells that the compressed
 * input is whole. `end`: where the last entry ended. Without the mark of its end a tar that is cut between two files
 * would look whole; but where the compression tells, that is enough, as some leave the mark out.
 */
static int finish(struct input *input, uint64_t end)
{
	uint64_t most = input->given + REST_MAX;
	const void *data;
	int r = 1;

	if (!input->compressed && input->given < ((end + 511) & ~511ULL) + 512)
		return refuse(input, -ENODATA, "the tar is cut off: the mark of its end is missing");
	input->most = most;
	while (input->given < most && (r = (int)give(input->tar, input, &data)) > 0)
		continue;
	if (r < 0 && input->compressed)
		return fail(input, input->tar);
	/* The end of a tar is zeros, as is the beginning of many other things. */
	return input->begun && !input->any ? refuse(input, -EINVAL, INPUT_NO_TAR) : 0;
}

uint64_t input_position(const struct input *input)
{
	return (uint64_t)archive_filter_bytes(input->tar, 0);
}

int input_next(struct input *input, struct archive_entry **ret)
{
	uint64_t end = input_position(input);
	const char *why;
	int r;

	input->most = input->given + HEADER_MAX;
	r = archive_read_next_header(input->tar, ret);
	input->any |= r == ARCHIVE_OK || r == ARCHIVE_WARN;
	if (r == ARCHIVE_OK)
		return 1;
	if (r == ARCHIVE_EOF)
		return finish(input, end);
	/* A name that is not of the locale's characters is kept as it is. Anything else that it only warns of would
	 * be lost. */
	why = archive_error_string(input->tar);
	if (r == ARCHIVE_WARN && why && strstr(why, "can't be converted"))
		return 1;
	return fail(input, input->tar);
}

int input_data(struct input *input, const void **ret, size_t *ret_size, uint64_t *ret_offset)
{
	la_int64_t offset;
	int r;

	input->most = input->given + HEADER_MAX;
	r = archive_read_data_block(input->tar, ret, ret_size, &offset);
	*ret_offset = (uint64_t)offset;
	if (r == ARCHIVE_EOF)
		return 0;
	return r == ARCHIVE_OK ? 1 : fail(input, input->tar);
}
