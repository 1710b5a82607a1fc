/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../base/run-dir.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * Open and lock the directory of `name` in `place` ("" for a mount target); *ret_path, for the caller to free, is where
 * it is. Waits up to 10 s for another process to let go, saying so after one second. The lock ends with the descriptor.
 * fd; -ENOENT when there is none and !create; or -errno after one error line.
 */
int rundir_open(const char *place, const char *name, bool create, bool shared, char **ret_path);

/* The IDs of all, none without RUN_DIR; rundir_list_free() frees them. All of them, or -errno (logged) and none. */
int rundir_list(char ***ret, size_t *ret_n);
/* The same, but an error is not logged. */
int rundir_ids(char ***ret, size_t *ret_n);
void rundir_list_free(char **ids, size_t n);

#define RUNDIR_WAIT_MS 5000

/*
 * Lock RUN_DIR, and with it the offers in all journals (record-kinds/offer.h). A start that looks for an offer holds
 * the lock until it has taken that or made its own: of many that start concurrently, the first makes it. A release that
 * ends a device holds it while it looks for other users, so that no start takes the device in between. Ends with the
 * descriptor. fd, or -errno (after ms milliseconds; not logged).
 */
int rundir_lock(int ms);
