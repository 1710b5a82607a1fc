/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Open a path of a spec. The ownership rule: an absolute path is shared and opened as it is; a relative one belongs
 * to the container, so it is resolved from dirfd and may not leave it, neither by `..` nor through a symlink.
 * Returns the descriptor (O_CLOEXEC) or -errno; -EXDEV: the relative path leads out.
 */
int path_open(int dirfd, const char *path, int flags);

/*
 * Open a path by openat2(2) with these RESOLVE_* flags, again when a rename anywhere has raced with the walk. Returns
 * the descriptor (O_CLOEXEC) or -errno. It calls nothing else, so the child of a fork() may call it.
 */
int path_resolve(int dirfd, const char *path, int flags, unsigned long long resolve);
/* Do the same with a mode, which flags with O_CREAT need. */
int path_create(int dirfd, const char *path, int flags, mode_t mode, unsigned long long resolve);

/* Open a directory; make it and its missing parents below dirfd (mode 0755). Never leaves dirfd. Returns the descriptor
 * or -errno. */
int path_open_made(int dirfd, const char *path);

/* Describe a result of path_open(). Returns the text of strerror(3), and another one for -EXDEV. */
const char *path_strerror(int r);

/* Test whether the directory has an entry of this name and type (S_IFDIR and the like; symlinks are not followed).
 * Returns 1, 0 or -errno. */
int path_has(int dir, const char *name, mode_t type);

/* Open the same file again with other access, through its descriptor: never another file. Returns a descriptor or
 * -errno. */
int path_reopen(int fd, int flags);

/* Ask for the alignment that O_DIRECT demands of offsets in the open file (Linux 6.1). Returns bytes; 0: unknown. */
unsigned int path_direct_align(int fd);

/*
 * Find the path of a descriptor in this mount namespace, for messages and records. Returns it, for the caller to free.
 * If the kernel does not tell it, the process ends after an error line, as when memory runs out. So does path_inode().
 */
char *path_of(int fd);

/* Identify the open file as records do. Returns "MAJOR:MINOR-INODE", for the caller to free. */
char *path_inode(int fd);

/* Open an absolute path if it still leads to this inode. Returns an fd; -ESTALE: it leads to another one; or -errno. */
int path_open_inode(const char *path, const char *inode, int flags);

/*
 * Make a path absolute, below dir if it is relative, without `.`, doubled and trailing slashes. Only text: symlinks and
 * `..` stay. Returns it, for the caller to free.
 */
char *path_absolute(const char *dir, const char *path);

/* Cut dir off the beginning of path (both from path_absolute). Returns the rest without leading slash, "" for dir
 * itself, or NULL: path is neither dir nor below it. */
const char *path_below(const char *path, const char *dir);
