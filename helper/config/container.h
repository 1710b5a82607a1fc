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

/* By name and config file. 0 or -errno (logged). */
int container_from_config(const char *name, const char *config, struct container *ret);
/* By name below an lxcpath; NULL: LXC's default. 0 or -errno (logged). */
int container_from_lxcpath(const char *name, const char *lxcpath, struct container *ret);
void container_clear(struct container *container);

/*
 * While a container is being made in its directory, that is marked, by a file which whoever makes it keeps open and
 * locked. What is marked is not whole, which container_check_whole() says. The file's fd, 0 or -errno (logged).
 */
int container_mark(const struct container *container);
int container_unmark(const struct container *container);
/* Whether somebody makes the marked container at this moment, and it was not interrupted: 1, 0 or -errno. */
int container_is_being_made(const char *dir);
int container_check_whole(const char *dir);
/* Whether the container in dir is marked so: 1, 0 or -errno. */
int container_is_marked(const char *dir);

/* Its directory as LXC calls it, which compares names as texts. For the caller to free. */
char *container_called(const struct container *container);
