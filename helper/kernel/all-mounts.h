/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "mount-table.h"

#include <sys/stat.h>

/* A mount in some mount namespace. */
struct mount_seen {
	pid_t pid;    /* of a process that is in its namespace; 0: ours */
	bool foreign; /* its namespace belongs to another user namespace than ours, in which anybody may mount */
	const struct mount_entry *entry;
};
typedef bool mount_seen_fn(const struct mount_seen *mount, void *arg);

/*
 * Call found() with each mount in our namespace, and with `all` with each one in the namespaces of all processes, until
 * it returns true. Returns 1 (it did), 0, or -errno (not logged): not all mounts could be read, so a mount may exist
 * that was not seen.
 */
int mounts_each(bool all, mount_seen_fn *found, void *arg);

/*
 * Test whether this absolute path, which the mount's entry names, leads to this inode. The path is resolved in the
 * mount's namespace, since a name there means nothing in ours; if it cannot be resolved, the answer is true. In a
 * foreign namespace it is resolved with the rights of the processes in it, which so cannot make it lead to what they
 * cannot reach.
 */
bool mount_leads_to(const struct mount_seen *mount, const char *path, const struct stat *inode);
