/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * store - a layer store on disk: ROOT/layers/ID is a layer's record, which lists its lower layers (nearest first, one
 * a line; empty: none); ROOT/diff/ID/ is its delta, in the whiteout format that the store's driver mounts; ROOT/mnt/ID
 * is its mount point.
 *
 * The record in layers/ is what makes a layer: it is written last, when all else is durable, and removed first. A
 * directory without a record is a leftover.
 */
#pragma once

#include "../delta/delta.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

struct store {
	char *dir;	    /* ROOT, absolute */
	int fd;		    /* the same */
	int lock;	    /* the store's lock while it is held, else -EBADF */
	struct delta delta; /* the whiteout format of its layers */
	bool docker;	    /* a store of Docker's aufs driver, which has no file 'driver': nothing is written to it */
};

/* The directories of a store, beside the three of its layers. */
#define STORE_STAGING "stage"	/* layers being made or removed: each is locked by the process that does it */
#define STORE_WORK    "work"	/* overlay's work directories */
#define STORE_INFO    "info"	/* what else is known of a layer, KEY=VALUE lines */
#define STORE_HOLDERS "holders" /* the holders of mounted layers */
#define STORE_EMPTY   "empty"	/* the lower of a base layer's mount */

#define STORE_TEMP    ".new" /* a file being written, in any of them; under the lock, so one name is enough */

/* Return the path of an lxcpath's default store (NULL: of LXC's own lxcpath), for the caller to free. */
char *store_default(const char *lxcpath);

/* Return the name of the store's driver: "aufs" or "overlay". */
const char *store_driver(const struct store *store);

/*
 * Take the store's lock exclusively. It is held for moments, never while input is read or a tree is copied. Returns 0
 * or -errno (logged).
 */
int store_lock(struct store *store);
/* Release the lock, and start a purge if there is anything to purge. Without the lock it does nothing. */
void store_unlock(struct store *store);

/* Write the small file DIR/NAME of the store, whole or not at all. Needs the lock. Returns 0 or -errno (logged). */
int store_write(const struct store *store, const char *dir, const char *name, const char *text);

/* Check a layer's ID: [a-z0-9][a-z0-9._-]{0,127} (any case), without the suffix of a removal. Returns 0 or -EINVAL
 * (logged). */
int store_check_id(const char *id);
/* Return whether the text is a valid ID. */
bool store_is_id(const char *id);

/* Look at a path of the store. Returns 1 and its stat(2) in *ret (which may be NULL); 0: there is nothing; or -errno
 * (logged). */
int store_look(const struct store *store, const char *path, struct stat *ret);

/* List the IDs of all layers (dir "layers"), or all names but hidden ones of another directory of the store, sorted;
 * strings_free() frees them. Returns 0 or -errno (logged). */
int store_list(const struct store *store, const char *dir, char ***ret, size_t *ret_n);
/* Free an array of strings. */
void strings_free(char **strings, size_t n);

/* Return the layer's name in journals (record kind "layer", first field), for the caller to free. */
char *store_key(const struct store *store, const char *id);
