/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "config-file.h"
#include "../record/journal.h"
#include "../stack/plan.h"
#include "rootfs-path.h"

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

/* journal_open() for it. */
int container_journal(const struct container *container, bool create, struct journal *ret);

/*
 * Add to *out what the stack of the container in that directory (absolute) shows, read-only, be it ours or a plain
 * rootfs of LXC's. spec: for whom. 0 or -errno (logged).
 */
int container_view(const struct spec *spec, const char *dir, struct stack *out);

/*
 * The type of what a clone writes to above the container in dir, "overlay" or "aufs", by the whiteouts of what that
 * shows; below: without what LXC's own overlay of it adds. A constant, or NULL after an error line.
 */
const char *container_union(const char *dir, bool below);

/* The plan of this container's start; plan_clear() and container_plan_close() end it. 0 or -errno (logged). */
int container_plan(const struct container *container, const struct conf *conf, const char *rootfs_path,
		   struct plan *ret);
void container_plan_close(struct plan *plan);

/* Warn if the directory on which the planned stack will be attached has files in it, which the stack will hide. */
void container_warn_of_hidden(const struct container *container, const struct plan *plan);
