/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * codec - the compressions of a layer's tar: gzip, zstd, xz and bzip2.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define CODEC_MAGIC	 10  /* so many bytes at the beginning of a member tell its compression */
#define CODEC_MEMORY_MAX 160 /* MiB that decompressing may take */

enum codec_result { CODEC_MORE, CODEC_END, CODEC_DAMAGED, CODEC_TOO_LARGE };

/* What a step reads and writes; it moves both on. */
struct codec_buffers {
	const unsigned char *in;
	size_t nin;
	unsigned char *out;
	size_t nout;
	const char *why; /* after CODEC_DAMAGED: a constant */
};

/* One compression. A compressed file has one or several members (gzip, bzip2), frames (zstd) or streams (xz). */
struct codec {
	const char *name;
	/* A member begins with these CODEC_MAGIC bytes. */
	bool (*begins)(const unsigned char *magic);
	/* Begin a member. */
	void *(*start)(void);
	/* Decompress some; CODEC_END: the member ended here, and its checksums are right. */
	enum codec_result (*step)(void *state, struct codec_buffers *buffers);
	void (*stop)(void *state);
};

/* Return the compression of data that begins with these CODEC_MAGIC bytes, or NULL. */
const struct codec *codec_of(const unsigned char *magic);
