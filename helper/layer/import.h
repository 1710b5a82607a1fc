/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "store.h"

/*
 * The store of an aufs graph driver at `dir` becomes a layer store of this driver ("aufs", or "overlay": all layers are
 * converted in their places). Nothing of it may be mounted. Interrupted, it can be done again. *ret_n: how many layers.
 * 0 or -errno (logged).
 */
int import_in_place(const char *dir, const char *driver, size_t *ret_n);

/* The layers of it that `store` does not have, into the form that it has. 0 or -errno (logged). */
int import_copy(const char *dir, struct store *store, size_t *ret_n);
