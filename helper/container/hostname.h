/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

/*
 * Write the name into /etc/hostname below a root, if that is a regular file there, as LXC's clone does. Symlinks and
 * mounts of the container are not followed. Returns 0, also without such a file, or -errno.
 */
int hostname_write(int root, const char *name);

/*
 * Record the name in a container's directory for its next start, which has a root to write it to. Returns 0 or -errno.
 */
int hostname_leave(const char *dir, const char *name);

/*
 * Write the name that hostname_leave() recorded; keep the record (`keep`) if the next start will have a new root.
 * Returns 0, also without a record, or -errno.
 */
int hostname_write_left(const char *dir, int root, bool keep);

/*
 * Write the name as hostname_write() does, where the root is the lower of an overlay that is not mounted: into its
 * upper, a path, unless that has the file. Returns 0 or -errno.
 */
int hostname_write_upper(int root, const char *upper, const char *name);
