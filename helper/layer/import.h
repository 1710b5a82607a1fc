/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "store.h"

/*
 * Make the store of Docker's aufs driver at `dir` a layer store with this driver: "aufs", or "overlay", which converts
 * all layers in place. Nothing of it may be mounted. Interrupted, it can be repeated. *ret_n: the number of layers.
 * Returns 0 or -errno (logged).
 */
int import_in_place(const char *dir, const char *driver, size_t *ret_n);

/* Copy the layers that `store` does not have, in its whiteout format. *ret_n: their number. Returns 0 or -errno
 * (logged). */
int import_copy(const char *dir, struct store *store, size_t *ret_n);
