/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../record/journal.h"

/* Offer a device to readers of the same image; key identifies its content. Returns 0 or -errno (logged). */
int offer_make(struct journal *journal, const char *key, const char *node, const char *fstype);

/*
 * Take a device that another journal offers, and open it, which keeps it alive. The objects that it needs (server,
 * connection) are recorded in this journal, too, so that the last user releases them. *ret_node and *ret_fstype are for
 * the caller to free. Returns an fd; -ENOENT: there is no offer; or -errno (logged).
 */
int offer_take(struct journal *journal, const char *key, char **ret_node, char **ret_fstype);
