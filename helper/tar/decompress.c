/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * decompress - an input without its compression: all members of it, one after the other, each with its checksums.
 */
#include "decompress.h"
#include "../base/cleanup.h"
#include "codec.h"

#define BLOCK ((size_t)256 << 10)

__attribute__((format(printf, 3, 4))) static int refuse(struct plain *plain, int r, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(plain->why, sizeof(plain->why), format, args);
	va_end(args);
	return r;
}

/* Read more of the input, at most a block. Returns 0 or -errno. */
static int fill(struct plain *plain)
{
	ssize_t n;

	(void)memmove(plain->in, plain->in + plain->from, plain->have);
	plain->from = 0;
	do
		n = read(plain->fd, plain->in + plain->have, BLOCK - plain->have);
	while (n < 0 && errno == EINTR);
	if (n < 0) {
		int r = -errno;

		return refuse(plain, r, "%s", strerror(-r));
	}
	if (plain->hash)
		sha256_add(&plain->raw_sum, plain->in + plain->have, (size_t)n);
	plain->have += (size_t)n;
	plain->ended = n == 0;
	return 0;
}

/* Find the compression of what begins here, which may be shorter than a magic. Returns 0 or -errno. */
static int look(struct plain *plain, const struct codec **ret)
{
	unsigned char magic[CODEC_MAGIC] = { 0 };
	int r = 0;

	while (r == 0 && plain->have < CODEC_MAGIC && !plain->ended)
		r = fill(plain);
	(void)memcpy(magic, plain->in + plain->from, plain->have < CODEC_MAGIC ? plain->have : CODEC_MAGIC);
	*ret = codec_of(magic);
	return r;
}

int plain_open(struct plain *plain, int fd, bool hash)
{
	int r;

	*plain = (struct plain){ .fd = fd, .in = must(malloc(BLOCK)), .hash = hash };
	sha256_start(&plain->raw_sum);
	sha256_start(&plain->plain_sum);
	r = look(plain, &plain->codec);
	if (plain->codec)
		plain->out = must(malloc(BLOCK));
	return r;
}

static void stop(struct plain *plain)
{
	if (plain->member)
		plain->codec->stop(plain->member);
	plain->member = NULL;
}

void plain_close(struct plain *plain)
{
	stop(plain);
	free(plain->in);
	free(plain->out);
	plain->in = plain->out = NULL;
}

/* Begin the next member. Returns 1; 0: there is none; or -errno. */
static int next_member(struct plain *plain)
{
	const struct codec *codec;
	int r;

	/* Some inputs are padded with zeros. No member begins with one. */
	while (plain->any) {
		for (; plain->have && !plain->in[plain->from]; plain->have--)
			plain->from++;
		if (plain->have)
			break;
		if (plain->ended)
			return 0;
		r = fill(plain);
		if (r < 0)
			return r;
	}
	r = look(plain, &codec);
	if (r < 0)
		return r;
	if (codec != plain->codec)
		return refuse(plain, -EINVAL, "something else is behind its %s data", plain->codec->name);
	plain->member = codec->start();
	plain->any = true;
	return 1;
}

/* Decompress some to the end of `out`. Returns 0 or -errno. */
static int step(struct plain *plain, size_t *size)
{
	struct codec_buffers buffers = {
		.in = plain->in + plain->from, .nin = plain->have, .out = plain->out + *size, .nout = BLOCK - *size
	};
	enum codec_result result = plain->codec->step(plain->member, &buffers);
	const char *name = plain->codec->name;
	bool idle = buffers.nin == plain->have && buffers.nout == BLOCK - *size;

	plain->from += plain->have - buffers.nin;
	plain->have = buffers.nin;
	*size = BLOCK - buffers.nout;
	switch (result) {
	case CODEC_END:
		stop(plain);
		return 0;
	case CODEC_DAMAGED:
		return refuse(plain, -EINVAL, "its %s data is damaged: %s", name, buffers.why);
	case CODEC_TOO_LARGE:
		return refuse(plain, -ENOMEM, "it needs more memory to decompress than %d MiB", CODEC_MEMORY_MAX);
	default:
		if (!idle)
			return 0;
		if (plain->have)
			return refuse(plain, -EINVAL, "its %s data is damaged", name);
		return plain->ended ? refuse(plain, -ENODATA, "its %s data is cut off", name) : fill(plain);
	}
}

/* Fill the whole buffer, as members may be small. Returns the number of bytes in it, or -errno. */
static ssize_t decompress(struct plain *plain)
{
	size_t size = 0;
	int r = 1;

	while (r > 0 && size < BLOCK) {
		if (!plain->member)
			r = next_member(plain);
		if (r > 0)
			r = step(plain, &size) ?: 1;
	}
	return r < 0 ? r : (ssize_t)size;
}

ssize_t plain_read(struct plain *plain, const void **ret)
{
	ssize_t n;

	if (plain->codec) {
		*ret = plain->out;
		n = decompress(plain);
	} else {
		n = plain->have || plain->ended ? 0 : fill(plain);
		*ret = plain->in + plain->from;
		n = n < 0 ? n : (ssize_t)plain->have;
		plain->have = 0;
	}
	if (plain->hash && n > 0)
		sha256_add(&plain->plain_sum, *ret, (size_t)n);
	return n;
}
