/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "store.h"

#include <stdint.h>

/* A layer's record. */
struct layer {
	char *id;
	char **lowers; /* the IDs of its lower layers, nearest first */
	size_t n;
	bool rw;	   /* made by create-rw */
	uint64_t size;	   /* bytes, when it was filled; 0: empty or not known */
	long long created; /* seconds since the epoch; 0: not known */
};

/* Return 1 if the store has a layer of this ID; 0; or -errno (logged). */
int layer_exists(const struct store *store, const char *id);
/* Read a layer's record, and check it: all lower layers exist. Returns 0; -ENOENT or another -errno, logged.
 * layer_clear() in both cases. */
int layer_read(const struct store *store, const char *id, struct layer *ret);
/* Read a layer's record without checking the lower layers that it lists. Returns 0 or -errno, not logged; *ret_why is
 * what is wrong with the record, or NULL. layer_clear() in both cases. */
int layer_read_unchecked(const struct store *store, const char *id, struct layer *ret, const char **ret_why);
/* Free what the layer has. */
void layer_clear(struct layer *layer);

/* Write the record and the information of a layer that is being made. Needs the lock. Returns 0 or -errno (logged). */
int layer_write_record(const struct store *store, const struct layer *layer);
/* Write the information alone: rw, size, created. Needs the lock. Returns 0 or -errno (logged). */
int layer_write_info(const struct store *store, const struct layer *layer);

/* Find a layer that depends on this one, the next above it if there is one: *ret, for the caller to free. Returns 1; 0:
 * there is none; or -errno (logged): a record cannot be read, so there may be one. */
int layer_find_child(const struct store *store, const char *id, char **ret);
/* Return 1 if the record of `id` lists `other` as a lower layer, so that `other` cannot depend on `id`; 0; or -errno
 * (logged). */
int layer_depends_on(const struct store *store, const char *id, const char *other);

/* Return 1 if the layer has its directory, and has lost its record: another layer depends on it, or its information is
 * there. It is no leftover. 0; or -errno (logged). */
int layer_lost_record(const struct store *store, const char *id);
/* Reconstruct the lost record of `id` from that of `child`, which depends on it. Returns 0 or -errno. layer_clear() in
 * both cases. */
int layer_guess_record(const struct store *store, const char *id, const char *child, struct layer *ret);
