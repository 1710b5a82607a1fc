/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * codec - one member of compressed data, decompressed by the compression's own library.
 *
 * Each library checks the checksums that its format has: CRC-32 and length of gzip, XXH64 of zstd, CRC-32, CRC-64 or
 * SHA-256 of xz, CRC-32 of bzip2. (libarchive's gzip filter skips them.)
 */
#include "codec.h"
#include "../base/cleanup.h"

#include <bzlib.h>
#include <limits.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

static unsigned int limited(size_t n)
{
	return n < UINT_MAX ? (unsigned int)n : UINT_MAX;
}

static enum codec_result damaged(struct codec_buffers *buffers, const char *why)
{
	buffers->why = why;
	return CODEC_DAMAGED;
}

static bool gzip_begins(const unsigned char *magic)
{
	return memcmp(magic, "\x1f\x8b\x08", 3) == 0;
}

static void *gzip_start(void)
{
	z_stream *stream = xcalloc(1, sizeof(*stream));

	/* 16: a gzip header and trailer. */
	return inflateInit2(stream, 16 + MAX_WBITS) == Z_OK ? stream : must(NULL);
}

static enum codec_result gzip_step(void *state, struct codec_buffers *buffers)
{
	z_stream *stream = state;
	unsigned int nin = limited(buffers->nin), nout = limited(buffers->nout);
	int r;

	stream->next_in = (unsigned char *)buffers->in;
	stream->avail_in = nin;
	stream->next_out = buffers->out;
	stream->avail_out = nout;
	r = inflate(stream, Z_NO_FLUSH);
	buffers->in += nin - stream->avail_in;
	buffers->nin -= nin - stream->avail_in;
	buffers->out += nout - stream->avail_out;
	buffers->nout -= nout - stream->avail_out;
	if (r == Z_STREAM_END)
		return CODEC_END;
	if (r == Z_MEM_ERROR)
		return CODEC_TOO_LARGE;
	return r == Z_OK || r == Z_BUF_ERROR ? CODEC_MORE : damaged(buffers, stream->msg ?: "invalid data");
}

static void gzip_stop(void *state)
{
	(void)inflateEnd(state);
	free(state);
}

/* A frame, or one that is skipped. */
static bool zstd_begins(const unsigned char *magic)
{
	return memcmp(magic, "\x28\xb5\x2f\xfd", 4) == 0 ||
	       ((magic[0] & 0xf0) == 0x50 && memcmp(magic + 1, "\x2a\x4d\x18", 3) == 0);
}

static void *zstd_start(void)
{
	/* Its limit of a window is 128 MiB. */
	return must(ZSTD_createDStream());
}

static enum codec_result zstd_step(void *state, struct codec_buffers *buffers)
{
	ZSTD_inBuffer in = { .src = buffers->in, .size = buffers->nin };
	ZSTD_outBuffer out = { .dst = buffers->out, .size = buffers->nout };
	size_t r = ZSTD_decompressStream(state, &out, &in);

	buffers->in += in.pos;
	buffers->nin -= in.pos;
	buffers->out += out.pos;
	buffers->nout -= out.pos;
	if (r == 0)
		return CODEC_END;
	if (!ZSTD_isError(r))
		return CODEC_MORE;
	return strstr(ZSTD_getErrorName(r), "memory") ? CODEC_TOO_LARGE : damaged(buffers, ZSTD_getErrorName(r));
}

static void zstd_stop(void *state)
{
	(void)ZSTD_freeDStream(state);
}

static bool xz_begins(const unsigned char *magic)
{
	return memcmp(magic,
		      "\xfd"
		      "7zXZ\0",
		      6) == 0;
}

static void *xz_start(void)
{
	lzma_stream *stream = xcalloc(1, sizeof(*stream));
	lzma_ret r = lzma_stream_decoder(stream, (uint64_t)CODEC_MEMORY_MAX << 20, LZMA_TELL_UNSUPPORTED_CHECK);

	return r == LZMA_OK ? stream : must(NULL);
}

static enum codec_result xz_step(void *state, struct codec_buffers *buffers)
{
	lzma_stream *stream = state;
	lzma_ret r;

	stream->next_in = buffers->in;
	stream->avail_in = buffers->nin;
	stream->next_out = buffers->out;
	stream->avail_out = buffers->nout;
	r = lzma_code(stream, LZMA_RUN);
	buffers->in = stream->next_in;
	buffers->nin = stream->avail_in;
	buffers->out = stream->next_out;
	buffers->nout = stream->avail_out;
	switch (r) {
	case LZMA_OK:
	case LZMA_BUF_ERROR:
		return CODEC_MORE;
	case LZMA_STREAM_END:
		return CODEC_END;
	case LZMA_MEM_ERROR:
	case LZMA_MEMLIMIT_ERROR:
		return CODEC_TOO_LARGE;
	case LZMA_UNSUPPORTED_CHECK:
		return damaged(buffers, "it has an unknown kind of checksum");
	case LZMA_OPTIONS_ERROR:
		return damaged(buffers, "it has unknown options");
	default:
		return damaged(buffers, "invalid data, or a wrong checksum");
	}
}

static void xz_stop(void *state)
{
	lzma_end(state);
	free(state);
}

/* After the level the magic of a block or, of empty data, of the end. */
static bool bzip2_begins(const unsigned char *magic)
{
	return memcmp(magic, "BZh", 3) == 0 && magic[3] >= '1' && magic[3] <= '9' &&
	       (memcmp(magic + 4, "\x31\x41\x59\x26\x53\x59", 6) == 0 ||
		memcmp(magic + 4, "\x17\x72\x45\x38\x50\x90", 6) == 0);
}

static void *bzip2_start(void)
{
	bz_stream *stream = xcalloc(1, sizeof(*stream));

	return BZ2_bzDecompressInit(stream, 0, 0) == BZ_OK ? stream : must(NULL);
}

static enum codec_result bzip2_step(void *state, struct codec_buffers *buffers)
{
	bz_stream *stream = state;
	unsigned int nin = limited(buffers->nin), nout = limited(buffers->nout);
	int r;

	stream->next_in = (char *)buffers->in;
	stream->avail_in = nin;
	stream->next_out = (char *)buffers->out;
	stream->avail_out = nout;
	r = BZ2_bzDecompress(stream);
	buffers->in += nin - stream->avail_in;
	buffers->nin -= nin - stream->avail_in;
	buffers->out += nout - stream->avail_out;
	buffers->nout -= nout - stream->avail_out;
	if (r == BZ_STREAM_END)
		return CODEC_END;
	if (r == BZ_MEM_ERROR)
		return CODEC_TOO_LARGE;
	return r == BZ_OK ? CODEC_MORE : damaged(buffers, "invalid data, or a wrong checksum");
}

static void bzip2_stop(void *state)
{
	(void)BZ2_bzDecompressEnd(state);
	free(state);
}

static const struct codec codecs[] = {
	{ "gzip", gzip_begins, gzip_start, gzip_step, gzip_stop },
	{ "zstd", zstd_begins, zstd_start, zstd_step, zstd_stop },
	{ "xz", xz_begins, xz_start, xz_step, xz_stop },
	{ "bzip2", bzip2_begins, bzip2_start, bzip2_step, bzip2_stop },
};

const struct codec *codec_of(const unsigned char *magic)
{
	for (size_t i = 0; i < ARRAY_SIZE(codecs); i++)
		if (codecs[i].begins(magic))
			return &codecs[i];
	return NULL;
}
