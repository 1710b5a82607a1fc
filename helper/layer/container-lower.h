/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../record/journal.h"
#include "store.h"

/* Layers as lower layers of a container. Nothing is cleaned up: a start does not wait for that. */

/* Open the store for reading. Returns 0 or -errno (logged); lower_close_store() in both cases. */
int lower_open_store(const char *dir, struct store *ret);
/* Close the store without a purge. */
void lower_close_store(struct store *store);

/* Open the directory of a layer of the store at `dir`. Returns an O_PATH descriptor or -errno (not logged). */
int lower_open(const char *dir, const char *id);

/*
 * Open the directory of a layer as a lower of a container: first record its use in the journal, in which whoever
 * removes layers looks for users. format, parent: the store's, and the layer's parent (or NULL), at the time of the
 * plan. Returns a descriptor or -errno (logged): -EBUSY if the layer is not the same any more, or has a writer.
 */
int lower_acquire(const char *dir, enum whiteout_format format, const char *id, const char *parent,
		  struct journal *journal);
