/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "store.h"

/*
 * Mount the layer over its lower layers on mnt/ID, unless it is mounted, and record `holder` (NULL: our parent process)
 * as its holder. The mount is writable, unless another layer depends on the layer or it has a user. *ret_path is for
 * the caller to free. Takes the lock. Returns 0; -EOPNOTSUPP: the kernel cannot; or another -errno (logged).
 */
int mounts_get(struct store *store, const char *id, const char *holder, char **ret_path);

/* Release the holder's use; the last holder's release unmounts the layer. Takes the lock. Returns 0 or -errno (logged).
 */
int mounts_put(struct store *store, const char *id, const char *holder);

/* Unmount the layer if it has no living holder. Needs the lock. Returns 0 or -errno (logged). */
int mounts_unmount_stale(const struct store *store, const char *id);
/* Unmount the layer from mnt/ID, if it is mounted there. Needs the lock. Returns 0 or -errno (logged). */
int mounts_unmount(const struct store *store, const char *id);
