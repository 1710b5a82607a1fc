/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "qemu.h"
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
