/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Open what a spec names. The ownership rule: an absolute path is shared and opened as it is; a relative one belongs
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

/* Open a directory, making it and its missing parents below dirfd (mode 0755). Never leaves dirfd. fd or -errno. */
int path_open_made(int dirfd, const char *path);

/* strerror for path_open's results: says what -EXDEV means. */
const char *path_strerror(int r);

/* The directory has something of this name and type (S_IFDIR and the like; a symlink is one). 1, 0 or -errno. */
int path_has(int dir, const char *name, mode_t type);

/* Open the same file again with other access, through its descriptor: never another file. fd or -errno. */
int path_reopen(int fd, int flags);

/* The multiple of bytes that O_DIRECT demands of offsets in the open file (Linux 6.1); 0: the file system does not say.
 */
unsigned int path_direct_align(int fd);

/*
 * The path of a descriptor in this mount namespace, for messages and records; for the caller to free. If the kernel
 * does not tell it, the process ends after an error line, as when memory runs out. So does path_inode().
 */
char *path_of(int fd);

/* "MAJOR:MINOR-INODE" of the open file, as records name it; for the caller to free. */
char *path_inode(int fd);

/*
 * The path without `.`, doubled and trailing slashes, and made absolute below dir when relative. Only text: symlinks
 * and `..` stay. For the caller to free.
 */
char *path_absolute(const char *dir, const char *path);

/* If path is dir or below it (both from path_absolute), the rest without leading slash ("" for dir itself), else NULL.
 */
const char *path_below(const char *path, const char *dir);
