/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

/*
 * A FUSE file system that is one regular file of this size, attached nowhere: a mount, whose root is the file.
 * *ret_fuse is where its requests come from, to be served by fuse_serve() in another process before the file is
 * opened. Mount fd or -errno.
 */
int fuse_mount(bool readonly, int *ret_fuse);
