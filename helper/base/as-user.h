/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/stat.h>
#include <sys/types.h>

/*
 * Does this absolute path, seen from `root` (O_PATH), lead to the inode for those who may have mounted something in the
 * process's user namespace, which is not ours: its root, or who the process is? 1, 0 or -errno.
 */
int foreign_leads_to(pid_t pid, int root, const char *path, const struct stat *inode);
