/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "graph.h"
#include "server.h"

/* Its arguments for the graph; `image` is what ps(1) shows. The graph must outlive them. */
const char **qemu_nbd_argv(const struct qemu_graph *graph, const char *image, const struct qemu_options *options);
void qemu_nbd_free_argv(const char **argv);

/*
 * Start it, with one connection to it, which it does not outlive; reading from that gives up after half a minute. The
 * socket is in dir (RUN_DIR/ID) for a moment. journal may be NULL. fd or -errno (logged).
 */
int qemu_nbd_start(const char *dir, const char *const *argv, const struct qemu_graph *graph, int home,
		   struct journal *journal, struct server *ret);

/*
 * Look at what a server that has answered (nbd_negotiate) has open: QEMU opens all files of its graph before that, and
 * none later. A kernel without Landlock does not keep it from what a header names that was changed after we read it.
 * 0: the graph's files alone; -EPERM: *ret_foreign, too, for the caller to free; or -errno: that cannot be read. A
 * server of an image elsewhere (uri=) has no files, and is not looked at.
 */
int qemu_nbd_check_files(const struct server *server, const struct qemu_graph *graph, char **ret_foreign);
