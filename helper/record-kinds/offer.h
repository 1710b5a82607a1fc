/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../record/journal.h"

/* Let readers of the same image use this device from now on; key says what it shows. 0 or -errno (logged). */
int offer_make(struct journal *journal, const char *key, const char *node, const char *fstype);

/*
 * Take a device that another journal offers, open: from then on it stays. What it needs (a server, a connection) is
 * recorded in this journal, too, so that the last user sees to its end. *ret_node and *ret_fstype are for the caller to
 * free. fd; -ENOENT: there is none; or -errno (logged).
 */
int offer_take(struct journal *journal, const char *key, char **ret_node, char **ret_fstype);
