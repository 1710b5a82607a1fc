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

/* Begin a file system of this type. 0, or -errno (-ENODEV: this kernel has no such type). fs_close() ends it. */
int fs_open(struct fs *fs, const char *type);
void fs_close(struct fs *fs);
/* key=value; value NULL: a flag. fs_set_fd gives a descriptor as the value (kernel 6.13 for overlay's layers). */
int fs_set(struct fs *fs, const char *key, const char *value);
int fs_set_fd(struct fs *fs, const char *key, int fd);
/* Create the superblock, and a mount of it that is attached nowhere: the mount's fd or -errno. */
int fs_mount(struct fs *fs, bool readonly);

/* A copy of the tree at fd (with what is mounted below it, if recursive) that is attached nowhere. fd or -errno. */
int mount_clone(int fd, bool recursive);

/* Attach a mount to the directory that target is open on. 0 or -errno. */
int mount_attach(int mount, int target);

/*
 * Make a detached or staged mount read-only, with all below it if recursive. 0 or -errno.
 * mount_setattr(2) is 5.12; before it, path must be where the mount is attached.
 */
int mount_set_readonly(int mount, bool recursive, const char *path);
/* Undo it for this mount alone; its file system may still be read-only. 0 or -errno (before Linux 5.12: -ENOSYS). */
int mount_set_writable(int mount);

/*
 * The mount that fd lies on as text for a record: its id, device and mount namespace. For the caller to free; NULL with
 * errno set.
 */
char *mount_id_text(int fd);
/* Is fd the root of the recorded mount? 1, 0 or -errno. */
int mount_is(int fd, const char *text);
/* The recorded mount is at path, but fd there is not it: 1, it is below another mount; 2, it is another namespace's,
 * where it may be the topmost; 0, it is gone; or -errno. */
int mount_is_covered(const char *path, const char *text);

/* The file system at fd is mounted read-only, or is so itself. 1, 0 or -errno. */
int mount_is_readonly(int fd);

/*
 * Find where the mount that fd lies on is attached in this namespace, and the options of its file system as mountinfo
 * has them, each for the caller to free. Returns 0; -ENOENT: it is attached nowhere here; or -errno.
 */
int mount_describe(int fd, char **ret_target, char **ret_options);

/* Look for a mount at or below path in this namespace: *ret, for the caller to free. 1, 0 or -errno. */
int mount_find_below(const char *path, char **ret);
