/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "graph.h"
#include "server.h"

/*
 * A process that stays beside a server. Recorded as one. All return 0 or -errno (logged).
 */

/* A device connected by ioctl: when its file system (the mount) ends, disconnect. */
int watcher_of_ioctl(int nr, const char *backend, int mount, int home, struct journal *journal);

/*
 * A device connected by netlink: when the server dies before its time, start another within so many seconds; 0: let
 * its users see errors, as the kernel would let requests that are under way wait for ever.
 */
int watcher_of_nbd(const struct server *server, const struct qemu_graph *graph, const char *const *argv, int nr,
		   const char *backend, unsigned int seconds, int home, struct journal *journal);
