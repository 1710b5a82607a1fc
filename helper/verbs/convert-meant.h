/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../delta/delta.h"

#include <stdbool.h>

/*
 * Check that the directory is a delta, or (*ret_store) a layer store. A directory that only contains one is refused;
 * the message names the right command. Returns 0 or -errno (logged).
 */
int convert_meant(const char *dir, enum whiteout_format to, bool *ret_store);
