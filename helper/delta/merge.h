/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../base/copy.h"
#include "lowers.h"

/*
 * Merge several layers (uppermost first) to one in the empty directory `to`. lowers: the lower layers that it will
 * have; with none of them, it gets no whiteouts; NULL: it will be no layer. copy: progress. Returns 0 or -errno
 * (logged), and then a part of it is there.
 */
int merge_deltas(const struct delta *delta, const int *layers, size_t n, const struct lowers *lowers, int to,
		 struct copy *copy);
