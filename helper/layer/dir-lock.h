/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "metadata.h"

/*
 * Open and lock a layer's directory shared: nobody removes the layer while the descriptor is open. With `ret`, also
 * lock the directories of its lower layers: *ret, nearest first, for dirlock_release(). Returns a descriptor or -errno
 * (logged).
 */
int dirlock_shared(const struct store *store, const struct layer *layer, int **ret);
/* Lock the directories of a layer (NULL: of none) and of its lower layers shared: one list, uppermost first. Returns 0
 * or -errno (logged). */
int dirlock_stack(const struct store *store, const char *id, int **ret, size_t *ret_n);
/* Close the descriptors, which releases the locks, and free the list. */
void dirlock_release(int *fds, size_t n);
/* Lock a layer's directory exclusively, which nobody else has locked or mounted. Needs the store's lock. Returns a
 * descriptor or -errno (logged). */
int dirlock_exclusive(const struct store *store, const char *id);
