/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../delta/delta.h"
#include "idmap.h"

#include <stdint.h>

/* What a tar may be, at most; 0: no limit. Whatever it says of itself is not believed. */
struct untar_limits {
	uint64_t bytes;	   /* of data written, all files together; and of the tar itself */
	uint64_t entries;  /* names in the tar, and directories that these only imply */
	size_t depth;	   /* directories in each other */
	size_t attributes; /* bytes of extended attributes of one file */
};

extern const struct untar_limits untar_defaults;

/* A tar (OCI layer) becoming a directory tree in a delta's form. */
struct untar {
	struct delta delta;
	const int *parents; /* the layers below, nearest first: attributes of directories the tar does not have */
	size_t nparents;    /* 0: a base layer, whose whiteouts mean nothing */
	const struct idmap *idmap;
	const char *name;	     /* of the input, for messages; NULL: it has none */
	const unsigned char *digest; /* SHA-256 that the input must have, with or without its compression; or NULL */
	struct untar_limits limits;
	/* results */
	uint64_t size;	  /* bytes that the layer's files hold */
	uint64_t entries; /* of the tar */
	uint64_t skipped; /* what a layer cannot have: sockets; aufs's own names */
};

/*
 * Extract the tar read from `input` (plain, gzip, zstd, xz, bzip2), whoever wrote it, into the empty directory `to`:
 * never a byte outside of it. Holds no lock, needs no memory that grows with the tar's contents, save what
 * its compression does (160 MiB at most). 0, or -errno after
 * one error line that names the entry; then `to` is to be thrown away. Does not sync.
 */
int untar(struct untar *untar, int input, int to);
