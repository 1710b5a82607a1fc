/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Find a mount on this host that shows the directory, or one in it, or has it as a layer of an overlay. path: where the
 * directory is. 1 or -errno (not logged): *ret_user goes on after "is in use ", for the caller to free; or 0.
 */
int directory_mounts_find(int dir, const char *path, char **ret_user);
