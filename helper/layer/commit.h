/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../base/copy.h"
#include "store.h"

/*
 * Make a layer `id` on `parent` of a delta (its form; its directory, which nobody writes to; how messages call it). It
 * is copied, and stays as it is. copy: its progress. 0 or -errno (logged), and then there is nothing of the layer.
 */
int commit(struct store *store, const char *id, const char *parent, enum delta_form form, int delta, const char *name,
	   struct copy *copy);
