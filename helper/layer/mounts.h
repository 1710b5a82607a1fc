/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "store.h"

#define MOUNTS_MANY 64 /* layers; more are slow, which is said */

/*
 * Mount the layer with all below it on mnt/ID, unless it is; from now on `holder` (NULL: our parent process) holds it.
 * It can be written to, unless another layer lies on it or somebody uses it. *ret_path is for the caller to free. 0;
 * -EOPNOTSUPP: the kernel cannot; or -errno (logged).
 */
int mounts_get(struct store *store, const char *id, const char *holder, char **ret_path);

/* The holder needs it no more; the last one unmounts it. 0 or -errno (logged). */
int mounts_put(struct store *store, const char *id, const char *holder);

/* No living holder has the layer: unmount it. With the lock. 0 or -errno (logged). */
int mounts_put_dead(const struct store *store, const char *id);
/* Unmount what is mounted of the layer; nothing: 0. With the lock. 0 or -errno (logged). */
int mounts_unmount(const struct store *store, const char *id);

/* The layer with all below it as a mount that is attached nowhere: writable, or not. fd; -EOPNOTSUPP; or -errno
 * (logged). */
int mounts_make(const struct store *store, const struct layer *layer, bool writable);
