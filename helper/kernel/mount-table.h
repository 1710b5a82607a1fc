/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * mount-table - the mounts of a mount namespace, as /proc/PID/mountinfo lists
 * them.
 *
 * Two files implement this: mount-table-libmount.c by libmount, for programs
 * that are linked dynamically, and mount-table.c by a parser of its own, for
 * those that are linked statically, as no distribution ships a static libmount.
 * tests/unit/mount-table.c compares the two.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#define MOUNT_TABLE_OWN "/proc/self/mountinfo"

/* One mount: a line of mountinfo, see proc(5). */
struct mount_entry {
	unsigned int id;
	dev_t dev;
	const char *root, *target;
	const char *type, *source;
	/* The options of the file system, as the kernel writes them: their octal escapes (text_unescape()) may stand
	 * for commas. */
	const char *options;
};

/*
 * Read a file like /proc/PID/mountinfo to its end, then call found() with each entry until it returns true. Returns 1
 * (it did), 0, or -errno: the table could not be read, so a mount may exist that was not seen. -EBADMSG: the last line
 * is cut, or a line is not one of mountinfo's.
 */
int mount_table_each(const char *path, bool (*found)(const struct mount_entry *entry, void *arg), void *arg);
