/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "store.h"

#define STORE_CONVERTING "converting" /* the driver of a store whose layers are being converted */

/*
 * Open the store at `dir`; create: make it, for the driver "overlay" or "aufs", if there is none. driver NULL: the
 * store's own, or overlay for a new one. Returns 0 or -errno (logged).
 */
int store_open(const char *dir, const char *driver, bool create, struct store *ret);
/* Open a store of Docker's aufs driver in order to make it a layer store. *ret_begun: its conversion to overlay was
 * begun before. Returns 0 or -errno (logged). */
int store_open_docker(const char *dir, struct store *ret, bool *ret_begun);
/* Close the store, and start a purge of leftovers in the background. */
void store_close(struct store *store);

/* Return 1 if the store has the three directories of Docker's aufs driver, and only files in layers/; 0; or -errno
 * (logged). */
int store_is_docker(const struct store *store);
/* Refuse a store of Docker's aufs driver. Returns 0 or -EROFS (logged). */
int store_check_ours(const struct store *store);
