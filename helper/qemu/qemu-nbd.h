/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "graph.h"
#include "server.h"

/* Make qemu-nbd's arguments, in which ps(1) shows `image`. The graph must outlive them. Returns the array. */
const char **qemu_nbd_argv(const struct qemu_graph *graph, const char *image, const struct qemu_options *options);
/* Free them. */
void qemu_nbd_free_argv(const char **argv);

/*
 * Start qemu-nbd with its only connection; it ends with that. Reads from the connection time out after 30 seconds. dir
 * (RUN_DIR/ID) has the socket for a moment. journal may be NULL. Returns the connection or -errno (logged).
 */
int qemu_nbd_start(const char *dir, const char *const *argv, const struct qemu_graph *graph, int home,
		   struct journal *journal, struct server *ret);

/*
 * Check that a server that has answered (nbd_negotiate()) has only files of the graph open: QEMU opens all files before
 * that, and none later. Without Landlock in the kernel, QEMU opens any file that a header names which was changed after
 * the check. A server without files (uri=) is not checked. Returns 0; -EPERM: *ret_foreign, for the caller to free, is
 * open too; or another -errno: cannot read that.
 */
int qemu_nbd_check_files(const struct server *server, const struct qemu_graph *graph, char **ret_foreign);
