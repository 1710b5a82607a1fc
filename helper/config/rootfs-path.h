/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "spec.h"

/* Where LXC's three forms of a rootfs path ("/P", "TYPE:/P", "[TYPE:]/LOWER:/UPPER") let a stack go. */
struct rootfs {
	char *path;  /* the directory to attach to */
	char *upper; /* the upper of LXC's own overlay, whose lower `path` is: read-only then; or NULL */
};
/* 0, or -EINVAL (logged). rootfs_clear() in both cases. */
int rootfs_parse(const char *text, struct rootfs *ret);
void rootfs_clear(struct rootfs *rootfs);

/*
 * Look for an absolute source of the stack that is the rootfs path or below it: *ret, for the caller to free. 1, 0, or
 * -errno (logged) when that could not be looked up.
 */
int rootfs_shared(const struct rootfs *rootfs, const struct stack *stack, char **ret);
