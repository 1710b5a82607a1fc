/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "store.h"

/*
 * Holders of a mounted layer: a process, as long as it lives, or a name that the user chose, until he releases it.
 * Neither outlives a reboot, as the mount does not. All functions need the store's lock.
 */

/* Return the holder's name: `given`, or that of our parent process ("pid-N"), for the caller to free. NULL: it is not
 * valid (logged). */
char *holders_name(const char *given);

/* Record a holder of the layer; recorded already: nothing changes. Returns 0 or -errno (logged). */
int holders_add(const struct store *store, const char *id, const char *name);
/* Remove the record of a holder. Returns 0 or -errno (logged). */
int holders_remove(const struct store *store, const char *id, const char *name);
/* Return 1 if it is a living holder of the layer; 0; or -errno (logged). */
int holders_is_living(const struct store *store, const char *id, const char *name);

/* List the living holders, for strings_free(). clean: remove the records of the others. Returns 0, or -errno (logged):
 * the holders cannot be read; then no record is removed. */
int holders_list_living(const struct store *store, const char *id, bool clean, char ***ret, size_t *ret_n);
