/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Write the name into /etc/hostname below a root, if that is a regular file there, as LXC's clone does. What the
 * container wrote is not followed: neither symlinks nor mounts. 0 (also when there is none) or -errno.
 */
int hostname_write(int root, const char *name);

/*
 * The same where the root is the lower of an overlay that is not mounted: into its upper, unless that has one. upper is
 * a path.
 */
int hostname_write_upper(int root, const char *upper, const char *name);
