/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../delta/delta.h"

#include <stdbool.h>

/*
 * Is the directory a delta, or (*ret_store) a store of layers? What is neither, but has one in it, is refused with the
 * command that is meant. 0 or -errno (logged).
 */
int convert_meant(const char *dir, enum whiteout_format to, bool *ret_store);
