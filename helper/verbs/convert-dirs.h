/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../delta/delta.h"
#include "convert-named.h"

/*
 * Convert or check the deltas and layer stores in these directories, up to a NULL, also after a failure. Returns an
 * exit status, or -errno (logged).
 */
int convert_dirs(const struct convert_options *options, enum whiteout_format to, char **dirs);
