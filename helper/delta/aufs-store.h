/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/*
 * A store of the aufs driver of Docker and containers/storage: layers/ID lists a layer's lower layers, one a line,
 * nearest first; diff/ID is its delta; mnt/ID was its mount point.
 */

/* Return 1 if the directory has the three directories of such a store; 0; or -errno. */
int aufsstore_is(const char *path);
/* Find the layer store (of lxc-bdev layer) that the absolute path is, or is in: *ret, for the caller to free. Returns
 * 1; 0 and NULL: there is none; or -errno. */
int aufsstore_ours(const char *path, char **ret);
/* Find something that the directory has beside these three. Returns the same. */
int aufsstore_more(const char *path, char **ret);

/*
 * Call layer() for each layer of the store, lower layers first: with the path of its delta, and its lower layers
 * (O_RDONLY, nearest first), opened anew for each. Nothing of the store may be mounted. Returns 0, -errno (logged), or
 * what layer() returned, which ends it.
 */
int aufsstore_each(const char *path, int (*layer)(void *arg, const char *path, const int *lowers, size_t n), void *arg);
