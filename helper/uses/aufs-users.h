/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

/*
 * Test whether an aufs on this host, in whatever mount namespace, has a branch that is the directory dir, lies in it or
 * contains it; `writable`: only writable branches count. Returns 1, 0, or -errno: unknown, which must count as in use.
 * *ret_by, for the caller to free, is set unless 0: text that follows "is in use ".
 *
 * An aufs of a running container or mount of ours has records of its branches in the journal, which the caller must
 * check, too. Its branches are also checked here, as far as their paths can be followed.
 */
int aufs_uses(int dir, bool writable, char **ret_by);

/* Test as aufs_uses() does with `writable`, for callers with a message of their own. Unknown counts as true. */
bool aufs_in_use(int dir);
