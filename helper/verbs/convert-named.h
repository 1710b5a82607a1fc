/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../delta/delta.h"
#include "../command/verb.h"

/* `lxc-bdev convert -n NAME FORM`: the deltas of one container, and its config. 0 or -errno (logged). */
int convert_named(const struct args *args, enum whiteout_format to);
