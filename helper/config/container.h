/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* In a container's directory while it is being converted: a symlink to the name of the format. */
#define CONTAINER_CONVERTING ".lxc-bdev.converting"

/*
 * A container as its hooks and its administrator name it. Its directory is the one that holds its config file
 * (LXCPATH/NAME, or where the file of lxc-start -f lies): relative paths resolve there, and directory and name
 * together are its identity.
 */
struct container {
	char *name;
	char *config;
	char *dir; /* canonical */
};

/* Find a container by name and config file. Returns 0 or -errno (logged). */
int container_from_config(const char *name, const char *config, struct container *ret);
/* Find a container by name below an lxcpath; NULL: LXC's default. Returns 0 or -errno (logged). */
int container_from_lxcpath(const char *name, const char *lxcpath, struct container *ret);
/* Free the container's members. */
void container_clear(struct container *container);

/*
 * Mark a container's directory as incomplete while the container is being made: by a file that its maker keeps open and
 * locked. Returns the file's descriptor or -errno (logged).
 */
int container_mark(const struct container *container);
/* Remove the mark. Returns 0 or -errno (logged). */
int container_unmark(const struct container *container);
/* Test whether a process is making the marked container now, so it was not interrupted. Returns 1, 0 or -errno. */
int container_is_being_made(const char *dir);
/* Refuse a container that is marked, or whose conversion was interrupted. Returns 0 or -errno (logged). */
int container_check_whole(const char *dir);
/* Test whether the container in dir is marked as incomplete. Returns 1, 0 or -errno. */
int container_is_marked(const char *dir);

/* Find the container's directory by the name that LXC has for it: LXC compares names as text. Returns it, for the
 * caller to free. */
char *container_called(const struct container *container);
