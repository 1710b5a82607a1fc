/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define AUFS_SUPER_MAGIC 0x61756673 /* "aufs"; out of tree, so in no header */
#define AUFS_SYSFS	 "/sys/fs/aufs"
#define AUFS_DATA_MAX	 4095	 /* of text in one mount(2) */
#define AUFS_LOWER	 "ro+wh" /* read-only, and its whiteouts count */

/* The branches of an aufs, as descriptors (O_PATH will do). */
struct branches {
	int *fds; /* uppermost first */
	size_t n, nlowers;
	bool writable; /* the uppermost one */
};

/* Test whether this kernel has aufs, if only as a module. Returns NULL, or a text: that it has none, and what to do. */
const char *aufs_impossible(void);
/* Test whether the kernel has loaded aufs, so that there may be mounts of it; true if that is unknown. */
bool aufs_is_loaded(void);
/* Find the highest number of branches in this kernel's configuration. Returns it, or the highest of all. */
size_t aufs_branches_max(void);
/* Test whether aufs takes a branch on the file system at fd. Returns NULL, or the name of one that it refuses. */
const char *aufs_bad_filesystem(int fd);
/* Test whether a path without symlinks can be a branch or a xino file. Returns NULL, or the reason why not. */
const char *aufs_bad_path(const char *path);

/* Test whether fd lies on an aufs. Returns 1, 0 or -errno. */
int aufs_is(int fd);
/* Name the permission of the i-th branch as aufs does. Returns a constant. */
const char *aufs_permission(const struct branches *branches, size_t i);
/* Compare these branches with those in /sys/fs/aufs/SI, open at dir. Returns NULL, or the first difference as a text
 * for the caller to free. */
char *aufs_compare(int dir, const struct branches *branches);
/*
 * Read the i-th branch from /sys/fs/aufs/SI, open at si, while a descriptor of a mount of that aufs is held: without it
 * the kernel may crash. The path and the permission are for the caller to free. Returns 1; 0: there is no such branch;
 * or -errno (-EBUSY: the aufs is written to or remounted all the time).
 */
int aufs_read_branch(int si, size_t i, char **ret_path, char **ret_permission);
