/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "spec.h"

/* A rootfs path of LXC, which has one of three forms: "/P", "TYPE:/P", "[TYPE:]/LOWER:/UPPER". */
struct rootfs {
	char *path;  /* the directory to attach the stack to */
	char *upper; /* the upper of LXC's own overlay, whose lower `path` is: read-only then; or NULL */
};
/* Parse a rootfs path. Returns 0 or -EINVAL (logged); rootfs_clear() *ret in both cases. */
int rootfs_parse(const char *text, struct rootfs *ret);
/* Free the members. */
void rootfs_clear(struct rootfs *rootfs);

/*
 * Look for an absolute source of the stack that is the rootfs path or below it: *ret, for the caller to free. Returns
 * 1, 0, or -errno (logged) when a path could not be resolved.
 */
int rootfs_shared(const struct rootfs *rootfs, const struct stack *stack, char **ret);
