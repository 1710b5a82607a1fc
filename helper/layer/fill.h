/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../base/copy.h"
#include "../tar/untar.h"
#include "store.h"

/*
 * Make a layer of the tar read from `input`, on `parent` (NULL: none); or fill the empty layer that has this ID, on its
 * own parent. untar: ID map and limits; gets the results. Returns 0 or -errno (logged), and then the layer is as
 * before.
 */
int fill_from_tar(struct store *store, const char *id, const char *parent, struct untar *untar, int input);

/*
 * Make a layer on `parent` of a copy of a delta: its whiteout format; its directory, to which nobody writes; its name
 * for messages. copy: progress. Returns 0 or -errno (logged), and then there is nothing of the layer.
 */
int fill_from_delta(struct store *store, const char *id, const char *parent, enum whiteout_format format, int delta,
		    const char *name, struct copy *copy);

/* Make a layer of the layers from `from` up to `top`, which depends on it, on the parent of `from`. copy: progress.
 * Returns 0 or -errno (logged). */
int fill_from_layers(struct store *store, const char *from, const char *top, const char *id, struct copy *copy);
