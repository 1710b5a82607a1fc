/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "store.h"

/*
 * Who uses a mounted layer: a process, for as long as it lives, or a name that somebody chose, until that one puts it.
 * Neither outlives a reboot, as the mount does not. All of it with the store's lock.
 */

/* The holder's name: `given`, or that of our parent process ("pid-N"). For the caller to free; NULL: it is no name
 * for a holder (logged). */
char *holders_name(const char *given);

/* It is a holder of the layer from now on (already: nothing changes), no longer. 0 or -errno (logged). */
int holders_add(const struct store *store, const char *id, const char *name);
int holders_drop(const struct store *store, const char *id, const char *name);
/* It is a holder, and lives. 1, 0 or -errno (logged). */
int holders_has(const struct store *store, const char *id, const char *name);

/* The names of those that live, for strings_free(). clean: the others are forgotten. 0, or -errno (logged): who holds
 * the layer cannot be read; then nobody is forgotten. */
int holders_living(const struct store *store, const char *id, bool clean, char ***ret, size_t *ret_n);
