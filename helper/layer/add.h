/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "metadata.h"
#include "staging.h"

/*
 * Make a layer of a staging directory (NULL: of an empty one) on `parent` (NULL: none): sync it, name it, record it. A
 * layer that exists must be empty, unused and on the same parent, and gets the contents. Takes the lock. Returns 0 or
 * -errno (logged).
 */
int layer_add(struct store *store, const char *id, const char *parent, bool rw, uint64_t size, struct staging *staging);
/* Check that layer_add() could fill that existing layer. Takes the lock. Returns 0 or -errno (logged). */
int layer_may_fill(struct store *store, const char *id, const char *parent);
