/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "graph.h"
#include "server.h"

/* A watcher is a process beside a server; it is recorded as a server, too. */

/* Start the watcher of a device connected by ioctl, which disconnects it when the file system of the mount ends.
 * Returns 0 or -errno (logged). */
int watcher_of_ioctl(int nr, const char *backend, int mount, int home, struct journal *journal);

/*
 * Start the watcher of a device connected by netlink. If the server dies, it starts another one within so many seconds;
 * with 0 it fails all requests, since the kernel would let pending ones wait forever. Returns 0 or -errno (logged).
 */
int watcher_of_nbd(const struct server *server, const struct qemu_graph *graph, const char *const *argv, int nr,
		   const char *backend, unsigned int seconds, int home, struct journal *journal);
