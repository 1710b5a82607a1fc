/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

/*
 * Whether an aufs on this host, in whatever mount namespace, has a branch that is the directory at dir, lies in it or
 * contains it; `writable`: only branches that are written to count. 1, 0, or -errno when that could not be found out,
 * which must count as in use. *ret_by, for the caller to free, is set unless 0: text that goes on after "is in use ".
 *
 * An aufs of a running container or mount of ours is known by its journal: those have records of the branches, which
 * the caller looks at. Its branches are looked at here, too, as far as their paths mean anything.
 */
int aufs_uses(int dir, bool writable, char **ret_by);

/* The same without the text: true also when it could not be found out. For who refuses by words of his own. */
bool aufs_in_use(int dir);
