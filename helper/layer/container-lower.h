/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../record/journal.h"
#include "store.h"

/*
 * Layers below a container, or another stack. The store is opened for a moment each time, and nothing of it is tidied
 * up: that is for who has the time.
 */

/* Open the store for looking. 0 or -errno (logged); use_leave() ends it. */
int use_enter(const char *dir, struct store *ret);
void use_leave(struct store *store);

/* The layer's directory in the store at `dir`. O_PATH fd or -errno. */
int use_look(const char *dir, const char *id);

/*
 * The same for good: the journal says first that the layer is in use, and who removes layers looks there. form, parent:
 * the store's, and what the layer lay on (or NULL), when it was looked up. fd or -errno (logged).
 */
int use_layer(const char *dir, enum delta_form form, const char *id, const char *parent, struct journal *journal);
