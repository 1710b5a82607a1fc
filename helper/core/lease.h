/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Has somebody the file of fd, which is open for reading only, open for writing, be it as a loop device, swap or a
 * shared mapping? 1; 0; -EINVAL: the file's file system has no leases; -EACCES: it is another user's and the process
 * lacks CAP_LEASE; or another -errno.
 */
int lease_is_written(int fd);
