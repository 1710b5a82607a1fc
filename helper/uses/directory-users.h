/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Find the user of the directory dir, or of one inside it, that would notice its replacement: stacks of ours, and any
 * mount on this host. Returns 1 or -errno (not logged): *ret_user, for the caller to free, follows "is in use "; or 0.
 * Not found is a lower that a foreign overlay names by a relative path, as the kernel does not tell where that leads.
 */
int uses_directory(int dir, char **ret_user);
