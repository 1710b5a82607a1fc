/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "pax-check.h"
#include "decompress.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdbool.h>
#include <stdint.h>

#define INPUT_NO_TAR "it is no tar (a file system image? see loop in bdev.conf(5))"

/* A tar being read, in whatever compression. */
struct input {
	struct plain plain;	     /* the input without its compression */
	struct archive *tar;	     /* reads from that */
	struct paxcheck pax;	     /* looks at the same */
	uint64_t given;		     /* bytes that the one handed to the other */
	uint64_t most;		     /* and may have by the end of this call */
	bool begun;		     /* something else than zeros was read */
	bool any;		     /* there was an entry */
	bool whole;		     /* after a failure: it is not of an entry, but of the input as a whole */
	const unsigned char *digest; /* the input must have this one (SHA256_SIZE), or NULL */
	char why[320];		     /* after a failure: what is wrong */
};

/* Begin to read; `digest` as above. Returns 0 or -errno; input_close() in both cases. */
int input_open(struct input *input, int fd, const unsigned char *digest);
/* Free the parser and its buffers. */
void input_close(struct input *input);
/* Read the next entry, valid until the next call. Returns 1; 0: there is none, and the input is whole and has the
 * digest; or -errno. */
int input_next(struct input *input, struct archive_entry **ret);
/* Return the number of bytes of the tar, without its compression, that were read so far. */
uint64_t input_position(const struct input *input);
/* Read the next data of the entry, valid until the next call, and its offset in the file. Returns 1; 0: there is no
 * more; or -errno. */
int input_data(struct input *input, const void **ret, size_t *ret_size, uint64_t *ret_offset);
