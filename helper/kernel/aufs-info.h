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

/* That this kernel has no aufs, not even as a module, and what to do; or NULL. */
const char *aufs_impossible(void);
/* It has it now: there may be mounts of it. */
bool aufs_is_loaded(void);
/* The most branches, as far as this kernel's configuration says. */
size_t aufs_branches_max(void);
/* The file system that fd lies on, if aufs takes no branch on it, else NULL. */
const char *aufs_bad_filesystem(int fd);
/* Why aufs cannot be told of this path (with no links left to follow), as a branch or for xino, or NULL. */
const char *aufs_bad_path(const char *path);

/* Whether fd lies on an aufs: 1, 0 or -errno. */
int aufs_is(int fd);
/* What the i-th branch is, as aufs says it. */
const char *aufs_permission(const struct branches *branches, size_t i);
/* /sys/fs/aufs/SI, open at dir, lists these branches and no other. NULL, or what it has instead, for the caller to
 * free. */
char *aufs_compare(int dir, const struct branches *branches);
/*
 * Read the i-th branch from /sys/fs/aufs/SI, open at si, while a descriptor of a mount of that aufs is held: without it
 * the kernel may crash. The path and the permission are for the caller to free. 1; 0: there is no such branch; or
 * -errno (-EBUSY: written to, or remounted, for longer than is waited).
 */
int aufs_read_branch(int si, size_t i, char **ret_path, char **ret_permission);
