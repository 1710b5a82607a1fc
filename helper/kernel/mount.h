/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * A file system being configured. After a failed call `error` holds what the kernel says of it ("" when it says
 * nothing), for the caller's own message.
 */
struct fs {
	int fd;
	char error[256];
};

/* Begin a file system of this type. Returns 0 or -errno (-ENODEV: this kernel has no such type); fs_close() in any
 * case. */
int fs_open(struct fs *fs, const char *type);
/* End the configuration. */
void fs_close(struct fs *fs);
/* Set key=value; value NULL: a flag. Returns 0 or -errno. */
int fs_set(struct fs *fs, const char *key, const char *value);
/* Set a key to a descriptor (Linux 6.13 for overlay's layers). Returns 0 or -errno. */
int fs_set_fd(struct fs *fs, const char *key, int fd);
/* Create the superblock and a detached mount of it. Returns the mount's descriptor or -errno. */
int fs_mount(struct fs *fs, bool readonly);

/* Make a detached copy of the mount at fd, with all mounts below it if recursive. Returns its descriptor or -errno. */
int mount_clone(int fd, bool recursive);

/* Attach a mount to the directory that target is open on. Returns 0 or -errno. */
int mount_attach(int mount, int target);

/*
 * Make a detached or staged mount read-only, with all mounts below it if recursive. mount_setattr(2) is Linux 5.12;
 * before it, path must be where the mount is attached. Returns 0 or -errno.
 */
int mount_set_readonly(int mount, bool recursive, const char *path);
/* Make this mount alone writable again; its file system may still be read-only. Returns 0 or -errno (before Linux 5.12:
 * -ENOSYS). */
int mount_set_writable(int mount);

/*
 * Describe the mount that fd lies on for a record: its id, device and mount namespace. Returns the text, for the caller
 * to free, or NULL with errno set.
 */
char *mount_id_text(int fd);
/* Test whether fd is the root of the recorded mount. Returns 1, 0 or -errno. */
int mount_is(int fd, const char *text);
/*
 * Find out why the recorded mount is not the topmost one at path. Returns 1: another mount covers it; 2: it is in
 * another mount namespace, where it may be the topmost; 0: it no longer exists; or -errno.
 */
int mount_is_covered(const char *path, const char *text);

/* Test whether the mount at fd, or its file system, is read-only. Returns 1, 0 or -errno. */
int mount_is_readonly(int fd);

/*
 * Find where the mount that fd lies on is attached in this namespace, and the options of its file system as mountinfo
 * has them, each for the caller to free. Returns 0; -ENOENT: it is attached nowhere here; or -errno.
 */
int mount_describe(int fd, char **ret_target, char **ret_options);

/* Look for a mount at or below path in this namespace: *ret, its target, for the caller to free. Returns 1, 0 or
 * -errno. */
int mount_find_below(const char *path, char **ret);
