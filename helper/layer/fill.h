/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "store.h"
#include "../tar/untar.h"

/*
 * Make a layer of the tar read from `input`, on top of parent (NULL: none), or fill the empty layer that is there
 * (then on its own parent). untar: idmap and limits; gets the results. Whatever goes wrong, the layer is as before. 0
 * or -errno (logged).
 */
int apply(struct store *store, const char *id, const char *parent, struct untar *untar, int input);
