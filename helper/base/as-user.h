/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/stat.h>
#include <sys/types.h>

/*
 * Test whether this absolute path, seen from `root` (O_PATH), leads to the inode for the users that may have mounted
 * something in the process's user namespace, which is not ours: its root user and the user of the process. Returns 1, 0
 * or -errno.
 */
int foreign_leads_to(pid_t pid, int root, const char *path, const struct stat *inode);
