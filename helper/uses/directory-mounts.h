/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Find a mount on this host that binds the directory or one in it, or has it as a layer of an overlay. path: the path
 * of the directory. Returns 1 or -errno (not logged): *ret_user, for the caller to free, follows "is in use "; or 0.
 */
int directory_mounts_find(int dir, const char *path, char **ret_user);
