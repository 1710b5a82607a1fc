/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../base/copy.h"
#include "delta.h"

/* Copy the delta at `from`, to which nobody writes, into the empty directory `to`, in the same whiteout format. name:
 * of the delta, for messages. Returns 0 or -errno (logged), and then a part of it is there. */
int copy_delta(const struct delta *delta, int from, int to, const char *name, struct copy *copy);
