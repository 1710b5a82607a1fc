/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "qemu.h"
#include "server.h"

/*
 * The kernel itself ends a device that was connected by netlink. Everything else needs a process that sees the end of
 * its use: a keeper. Each is recorded as a server. All return 0 or -errno (logged).
 */

/* A FUSE export under a loop device: when the kernel lets go of the file, end the server. `watch`: an inotify(7)
 * descriptor on the exported file, for IN_CLOSE. */
int keeper_of_fuse(const struct server *server, int loop, int watch, int home, struct journal *journal);

/* A device connected by ioctl: when its file system (the mount) ends, disconnect. */
int keeper_of_ioctl(int nr, int mount, int home, struct journal *journal);

/* A device connected by netlink: when the server dies before its time, start another within so many seconds. */
int keeper_of_nbd(const struct server *server, const struct qemu_graph *graph, const char *const *argv, int nr,
		  const char *backend, unsigned int seconds, int home, struct journal *journal);
