/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../record/journal.h"
#include "graph.h"

#define SHARE_WAIT_MS 5000

/*
 * Lock what readers share. A start that looks for an offer holds it until it has taken that or made its own: of many
 * that start at once, the first makes it. A release that ends a device holds it while it looks for other users, so that
 * no start takes the device in between. Ends with the descriptor. fd, or -errno (after ms milliseconds, not logged).
 */
int share_lock(int ms);

/* What a reader sees of an image: the same for all who say the same of the same files. For the caller to free. */
char *share_key(const struct spec *spec, const struct qemu_graph *graph, const char *how);

/* Readers of the same may use this device from now on: key says what it shows. 0 or -errno (logged). */
int share_offer(struct journal *journal, const char *key, const char *node, const char *fstype);

/*
 * A device that somebody offers, open: from then on it stays. What it needs (a server, a connection) is in our journal,
 * too, so that the last of us sees to its end. *ret_node and *ret_fstype are for the caller to free. fd; -ENOENT: there
 * is none; or -errno (logged).
 */
int share_take(struct journal *journal, const char *key, char **ret_node, char **ret_fstype);

/*
 * Is what this record is about in the journal of another that runs, and so not ours to end? 1, 0, or -errno (logged)
 * when a journal could not be read.
 */
int share_is_used(const struct journal *journal, const struct record *record);
