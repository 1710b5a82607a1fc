/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "untar-job.h"

#include <sys/stat.h>

/* What the tar, or a lower layer, says of a file, with the IDs on disk. */
struct attributes {
	uid_t uid;
	gid_t gid;
	mode_t mode;
	struct timespec times[2]; /* of access, of change */
};

/* Read owner, mode and times of an entry. Returns 0 or -errno. */
int attributes_read(struct job *job, struct archive_entry *entry, struct attributes *ret);
/* Set the entry's extended attributes on a file: on fd, or on the name in the current directory, whichever is given. A
 * directory's default ACL is kept in its node. Returns 0 or -errno. */
int attributes_set_extended(struct job *job, struct archive_entry *entry, int fd, const char *name, struct node *node);
/* Copy the extended attributes of a directory, save overlay's own, to another. Returns 0 or -errno. */
int attributes_copy(struct job *job, int from, struct node *to);
/* Remove all extended attributes. Returns 0 or -errno. */
int attributes_clear(int fd);
