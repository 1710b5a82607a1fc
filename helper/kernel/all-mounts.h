/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <sys/stat.h>
#include <sys/types.h>

/* A mount, as a line of /proc/PID/mountinfo says it: see proc(5). */
struct mount_seen {
	pid_t pid; /* of a process that is in its namespace; 0: ours */
	unsigned long long id;
	char *dev, *root, *at, *type, *source;
	char *options; /* of its file system; with octal escapes, as they may have commas in them */
	bool foreign;  /* its namespace belongs to another user namespace than ours, in which anybody may mount */
};

/*
 * Call for each mount in our namespace, and with `all` in those of all processes, until it says true. 1: it did; 0; or
 * -errno (not logged): not all mounts could be read, so one that was not seen may be there.
 */
int mounts_each(bool all, bool (*found)(struct mount_seen *mount, void *arg), void *arg);

/* Whether the process is in our mount namespace. 1, 0, or -errno when that cannot be seen. */
int namespace_is_ours(pid_t pid);

/*
 * Does this absolute path, which the mount's line names, lead to this inode? It is looked up in the mount's namespace,
 * as a name there says nothing of ours. Where it cannot be looked up, it is taken to lead there. In a foreign namespace
 * it is looked up with the rights of those who are in it: others cannot make it lead to what they cannot reach.
 */
bool mount_leads_to(const struct mount_seen *mount, const char *path, const struct stat *inode);
