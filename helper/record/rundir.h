/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../base/run-dir.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * Open and lock the directory of `name` in `place` ("" for a mount target); *ret_path, for the caller to free, is its
 * path. Waits up to 10 s for another holder of the lock, with a warning after one second. The lock ends with the
 * descriptor. Returns an fd; -ENOENT if there is none and !create; or -errno (logged).
 */
int rundir_open(const char *place, const char *name, bool create, bool shared, char **ret_path);

/*
 * List the IDs of all directories, none without RUN_DIR; rundir_list_free() frees the list. Returns 0, or -errno
 * (logged) and no list.
 */
int rundir_list(char ***ret, size_t *ret_n);
/* List the IDs as rundir_list() does, but do not log an error. */
int rundir_ids(char ***ret, size_t *ret_n);
/* Free a list of IDs. */
void rundir_list_free(char **ids, size_t n);

#define RUNDIR_WAIT_MS 5000

/*
 * Lock RUN_DIR, and with it the offers in all journals (record-kinds/offer.h). A start that looks for an offer holds
 * the lock until it has taken the offer or made its own: of several concurrent starts, the first one makes it. A
 * release that ends a device holds the lock while it looks for other users, so that no start takes the device in
 * between. The lock ends with the descriptor. Returns an fd, or -errno (after ms milliseconds; not logged).
 */
int rundir_lock(int ms);
