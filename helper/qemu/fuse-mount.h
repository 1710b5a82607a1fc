/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

/*
 * Make a detached mount of a FUSE file system whose root is a regular file. *ret_fuse receives its requests: another
 * process must run fuse_serve() on it before the file is opened. Returns the mount's fd or -errno.
 */
int fuse_mount(bool readonly, int *ret_fuse);
