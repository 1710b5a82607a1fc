/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Test whether a process or the kernel (loop device, swap, shared mapping) has the file open for writing. fd must be
 * open for reading only. Returns 1, 0 or -errno; -EINVAL: the file system has no leases; -EACCES: the file belongs to
 * another user and the process lacks CAP_LEASE. After another error SIGIO may stay blocked (see fcntl(2), F_SETLEASE).
 */
int lease_is_written(int fd);
