/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../delta/lowers.h"
#include "store.h"

/*
 * What several layers (uppermost first) change, one on the other, as one, into the empty directory `to`. below: what it
 * will lie on; without any layer, nothing is said of what was removed; NULL: it will be no layer. 0 or -errno (logged);
 * then part of it is there.
 */
int squash(const struct delta *delta, const int *layers, size_t n, const struct below *below, int to);

/* Make a layer of the layers from `from` up to `top`, which lies on it, in the place of `from`: on the same parent. 0
 * or -errno (logged). */
int squash_layers(struct store *store, const char *from, const char *top, const char *id);
