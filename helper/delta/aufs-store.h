/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/*
 * A store of the aufs graph driver, as Docker and containers/storage had it: layers/ID names a layer's ancestors, one a
 * line, the nearest first; diff/ID is its delta; mnt/ID is where it was mounted.
 */
/* 1, 0 or -errno. */
int aufsstore_is(const char *path);
/* The layer store (of lxc-bdev layer) that the absolute path is, or is in: 1 and *ret, for the caller to free; 0, NULL:
 * in none; or -errno. */
int aufsstore_ours(const char *path, char **ret);
/* Something that it has beside these three. The same. */
int aufsstore_more(const char *path, char **ret);

/*
 * Call for each layer of the store, those below first: the path of its delta, and what it lies on (O_RDONLY), uppermost
 * first, opened anew for each. Nothing in it may be mounted. 0, -errno (logged), or what `layer` returned, which ends
 * it.
 */
int aufsstore_each(const char *path, int (*layer)(void *arg, const char *path, const int *lowers, size_t n), void *arg);
