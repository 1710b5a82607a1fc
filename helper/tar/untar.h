/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../base/copy.h"
#include "../delta/delta.h"
#include "idmap.h"

#include <stdint.h>

/* Limits of a tar; 0: none. They count what is read, not what the tar says of itself. */
struct untar_limits {
	uint64_t bytes;	   /* of data written, all files together; and of the tar itself */
	uint64_t entries;  /* names in the tar, and directories that these only imply */
	size_t depth;	   /* nested directories */
	size_t attributes; /* bytes of extended attributes of one file */
};

extern const struct untar_limits untar_defaults;

/* An extraction of a tar (OCI layer) to a directory tree in a whiteout format. */
struct untar {
	struct delta delta;
	const int *parents; /* the lower layers, nearest first: attributes of directories the tar does not have */
	size_t nparents;    /* 0: a base layer, whose whiteouts mean nothing */
	const struct idmap *idmap;
	const char *name;	     /* of the input, for messages; NULL: it has none */
	const unsigned char *digest; /* SHA-256 that the input must have, with or without its compression; or NULL */
	struct untar_limits limits;
	struct copy *progress; /* how far it is, or NULL */
	/* results */
	uint64_t size;	  /* bytes that the layer's files hold */
	uint64_t entries; /* of the tar */
	uint64_t skipped; /* entries that a layer cannot have: sockets; aufs's own names */
};

/*
 * Extract the tar read from `input` (plain, gzip, zstd, xz, bzip2), whoever wrote it, into the empty directory `to`:
 * never a byte outside of it. It holds no lock, and its memory does not grow with the tar's contents, save for its
 * compression (160 MiB at most). Returns 0; or -errno after one error line that names the entry, and then `to` is to be
 * thrown away. It does not sync.
 */
int untar(struct untar *untar, int input, int to);
