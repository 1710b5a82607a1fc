/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "store.h"

/* Remove a layer. Takes the lock. Returns 0; -EBUSY (logged): another layer depends on it, or it is in use; or another
 * -errno (logged). */
int layer_remove(struct store *store, const char *id);
/* Do the same under the lock, which the caller holds. */
int layer_remove_locked(const struct store *store, const char *id);
