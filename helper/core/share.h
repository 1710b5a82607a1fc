/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "journal.h"
#include "qemu.h"

/*
 * Held by whoever looks for what others share and then makes it himself: of many who start at once, the first makes
 * it. Ends with the descriptor. fd, or -errno (after 5 s): do it alone then.
 */
int share_lock(void);

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

/* What this record is about is in the journal of another that runs: it is not ours to end. */
bool share_is_used(const struct journal *journal, const struct record *record);
