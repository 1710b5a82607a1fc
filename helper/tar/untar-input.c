/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * untar-input - read the entries of a tar.
 *
 * libarchive parses what we give it, which is the input without its compression. So we see how much of the tar it takes
 * for one header, and end it before a header of any size becomes memory.
 */
#include "untar-input.h"
#include "../base/cleanup.h"
#include "codec.h"

#define HEADER_MAX (256 << 10) /* what stands before the data of one file, a map of its holes included */
#define REST_MAX   (1 << 20)

static int fail(struct input *input)
{
	int r = archive_errno(input->tar);

	if (!*input->why)
		(void)snprintf(input->why, sizeof(input->why), "%s",
			       archive_error_string(input->tar) ?: "the tar is damaged");
	/* libarchive has numbers of its own below zero. */
	return r > 0 && r < 4096 ? -r : -EINVAL;
}

static int refuse(struct input *input, int r, const char *why)
{
	(void)snprintf(input->why, sizeof(input->why), "%s", why);
	return r;
}

/* Read the next bytes of the tar. Returns their number, 0 or -errno. */
static ssize_t next_bytes(struct input *input, const void **ret)
{
	ssize_t n = plain_read(&input->plain, ret);

	if (n < 0) {
		input->whole = true;
		return refuse(input, (int)n, input->plain.why);
	}
	if (!input->given && input->plain.codec && n >= CODEC_MAGIC && codec_of(*ret)) {
		input->whole = true;
		return refuse(input, -EINVAL, "the input is compressed more than once");
	}
	input->given += (uint64_t)n;
	for (ssize_t i = 0; i < n && !input->begun; i++)
		input->begun = ((const char *)*ret)[i];
	return n;
}

static la_ssize_t give(struct archive *tar, void *arg, const void **ret)
{
	struct input *input = arg;
	ssize_t n;

	if (input->given > input->most) {
		archive_set_error(tar, EFBIG, "its header is too long");
		return ARCHIVE_FATAL;
	}
	n = next_bytes(input, ret);
	if (n > 0 && paxcheck_feed(&input->pax, *ret, (size_t)n) < 0) {
		n = refuse(input, -EINVAL, input->pax.why);
		input->whole = true;
	}
	if (n >= 0)
		return n;
	archive_set_error(tar, (int)-n, "%s", input->why);
	return ARCHIVE_FATAL;
}

int input_open(struct input *input, int fd, const unsigned char *digest)
{
	int r;

	*input = (struct input){ .tar = must(archive_read_new()), .most = HEADER_MAX, .digest = digest };
	r = plain_open(&input->plain, fd, digest);
	if (r < 0)
		return refuse(input, r, input->plain.why);
	if (!input->plain.have)
		return refuse(input, -ENODATA, "the input is empty");
	(void)archive_read_support_format_tar(input->tar);
	/* Names are bytes. */
	(void)archive_read_set_format_option(input->tar, "tar", "hdrcharset", "BINARY");
	return archive_read_open(input->tar, input, NULL, give, NULL) == ARCHIVE_OK ? 0 : fail(input);
}

void input_close(struct input *input)
{
	if (input->tar)
		(void)archive_read_free(input->tar);
	plain_close(&input->plain);
	paxcheck_free(&input->pax);
	input->tar = NULL;
}

/* Compare the digest, when all was read. Returns 0 or -EINVAL. */
static int check_digest(struct input *input)
{
	unsigned char raw[SHA256_SIZE], plain[SHA256_SIZE];
	char raw_text[SHA256_TEXT], plain_text[SHA256_TEXT], wanted[SHA256_TEXT];

	sha256_end(&input->plain.raw_sum, raw);
	sha256_end(&input->plain.plain_sum, plain);
	if (memcmp(raw, input->digest, SHA256_SIZE) == 0 || memcmp(plain, input->digest, SHA256_SIZE) == 0)
		return 0;
	sha256_print(raw, raw_text);
	sha256_print(plain, plain_text);
	sha256_print(input->digest, wanted);
	if (input->plain.codec)
		(void)snprintf(input->why, sizeof(input->why),
			       "its digest is %s, and %s without its compression, not %s", raw_text, plain_text,
			       wanted);
	else
		(void)snprintf(input->why, sizeof(input->why), "its digest is %s, not %s", raw_text, wanted);
	return -EINVAL;
}

/*
 * Read what is behind the tar: padding, and the end of the compressed data, which tells that the input is whole.
 * `end`: where the last entry ended. Without the mark of its end a tar that is cut between two files
 * would look whole; but where the compression tells, that is enough, as some leave the mark out.
 */
static int finish(struct input *input, uint64_t end)
{
	bool check = input->plain.codec || input->digest;
	uint64_t most = input->given + REST_MAX;
	const void *data;
	ssize_t r = 1;

	if (!input->plain.codec && input->given < ((end + 511) & ~511ULL) + 512)
		return refuse(input, -ENODATA, "the tar is cut off: the mark of its end is missing");
	while (r > 0 && input->given < most)
		r = next_bytes(input, &data);
	if (r < 0)
		return check ? (int)r : 0;
	if (!input->given)
		return refuse(input, -ENODATA, "the input is empty");
	/* The end of a tar is zeros, as is the beginning of many other things. */
	if (input->begun && !input->any)
		return refuse(input, -EINVAL, INPUT_NO_TAR);
	if (r > 0 && check)
		return refuse(input, -EFBIG, "more than 1 MiB of data is behind the end of the tar");
	return input->digest ? check_digest(input) : 0;
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
	why = archive_error_string(input->tar);
	/* With an ACL or attribute that it cannot read, it says OK, and in its error what was wrong. */
	if (r == ARCHIVE_OK && !why)
		return 1;
	if (r == ARCHIVE_EOF) {
		r = finish(input, end);
		input->whole = r < 0;
		return r;
	}
	/* A name that is not of the locale's characters is kept as it is. Anything else that it only warns of would
	 * be lost. */
	if ((r == ARCHIVE_OK || r == ARCHIVE_WARN) && why && strstr(why, "can't be converted"))
		return 1;
	return fail(input);
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
	return r == ARCHIVE_OK ? 1 : fail(input);
}
