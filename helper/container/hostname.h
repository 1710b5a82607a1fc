/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

/*
 * Write the name into /etc/hostname below a root, if that is a regular file there, as LXC's clone does. What the
 * container wrote is not followed: neither symlinks nor mounts. 0 (also when there is none) or -errno.
 */
int hostname_write(int root, const char *name);

/*
 * Leave the name for the next start of a container, in its directory: only that has a root to write it to. Then write
 * what was left; `keep` it when the root will be a new one at the next start. 0 (also when there is none) or -errno.
 */
int hostname_leave(const char *dir, const char *name);
int hostname_write_left(const char *dir, int root, bool keep);

/*
 * The same where the root is the lower of an overlay that is not mounted: into its upper, unless that has one. upper is
 * a path.
 */
int hostname_write_upper(int root, const char *upper, const char *name);
