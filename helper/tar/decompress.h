/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * decompress - an input without its compression.
 */
#pragma once

#include "../base/sha256.h"

#include <stdbool.h>
#include <sys/types.h>

struct codec;

struct plain {
	int fd;
	const struct codec *codec;	  /* NULL: the input is not compressed */
	void *member;			  /* the codec's state of the current member; NULL: between two */
	unsigned char *in, *out;	  /* buffers */
	size_t from, have;		  /* what is left of `in` */
	bool hash, any, ended;		  /* any: a member was begun; ended: all was read */
	struct sha256 raw_sum, plain_sum; /* with `hash`: of the input as it is, and without its compression */
	char why[200];			  /* after a failure: what is wrong */
};

/* Begin to read from fd, which stays the caller's; hash: compute both digests. Returns 0 or -errno; plain_close() in
 * both cases. */
int plain_open(struct plain *plain, int fd, bool hash);
/* Free its memory. */
void plain_close(struct plain *plain);
/*
 * Read the next bytes without compression, valid until the next call. Returns their number; 0: the end of the input; or
 * -errno: it cannot be read, is cut off, has a wrong checksum, or other data than zeros behind the compressed data.
 */
ssize_t plain_read(struct plain *plain, const void **ret);
