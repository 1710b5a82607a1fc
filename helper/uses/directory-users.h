/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Find who uses the directory at fd, or one in it, so that another in its place would be missed: stacks of ours, and
 * any mount on this host. 1 or -errno (not logged): *ret_user goes on after "is in use ", for the caller to free; or 0.
 * Not seen is what the kernel does not tell: a lower that another's overlay names by a relative path.
 */
int uses_directory(int dir, char **ret_user);
