/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "delta.h"

#include <stdint.h>

/* Sum up the bytes that the layer's files have on disk: holes do not count, and a file with several names counts once.
 * Returns 0 or -errno (logged). */
int diffsize(const struct delta *delta, int layer, uint64_t *ret);
