/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "store.h"

/* Forget dead holders, unmount layers without a holder, move leftovers to where they are purged. Takes the lock.
 * Returns 0 or -errno (logged). */
int cleanup_store(struct store *store);

/* Return 1 if DIR/NAME is a leftover: it has no record and no user; 0; or -errno (logged). Needs the lock. */
int cleanup_is_leftover(const struct store *store, const char *dir, const char *name);
/* The directories in which a layer without a record may have leftovers, up to a NULL. */
extern const char *const cleanup_dirs[];
