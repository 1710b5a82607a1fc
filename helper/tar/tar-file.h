/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tar-file - a tar being written, in POSIX' pax form with no more extended
 * headers than it takes. Names, targets and attributes are bytes.
 */
#pragma once

#include "../base/copy.h"

#include <stdint.h>
#include <stddef.h>

#define TARFILE_BUFFER (256U << 10)
#define TARFILE_PAX    (1U << 20) /* all extended records of an entry: containers/storage reads no more */

struct tarfile {
	int fd;
	int failed;	       /* the output took no more: -errno */
	struct copy *progress; /* of what was written, or NULL */
	size_t used, npax;
	char *pax; /* records for the next entry */
	char buffer[TARFILE_BUFFER];
};

struct tarfile_entry {
	const char *path, *link; /* link: of a link, or "" */
	char type;		 /* of tar(5): '0' a file, '5' a directory, ... */
	unsigned int mode, uid, gid, major, minor;
	uint64_t size;
	int64_t seconds;
	uint32_t nanoseconds;
};

/* Allocate a tar that is written to fd. */
struct tarfile *tarfile_new(int fd);
/* Free it, without ending the tar. */
void tarfile_free(struct tarfile *tar);

/* Add an extended record for the next entry, whose key is `key` and `name`. Returns 0 or -E2BIG. */
int tarfile_record(struct tarfile *tar, const char *key, const char *name, const void *value, size_t size);

/* Write the headers of an entry; its data is to follow. Returns 0 or -errno. */
int tarfile_entry(struct tarfile *tar, const struct tarfile_entry *entry);

/*
 * Write the data of the entry from a file of that size; holes are not read. Returns 0; -ESTALE: the size of the file
 * has changed; or another -errno (tar->failed: of the output).
 */
int tarfile_contents(struct tarfile *tar, int fd, uint64_t size, uint64_t allocated);

/* Write all that is not written yet, and the end of the tar. Returns 0 or -errno. */
int tarfile_end(struct tarfile *tar);
