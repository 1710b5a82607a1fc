/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "delta.h"

#include <sys/stat.h>

/* Return 1 if the directory at fd (with this statx(2)) has the attributes of `other`, save those that are its whiteout
 * format's own; 0; or -errno. */
int same_directory(const struct delta *delta, int fd, const struct statx *st, int other);
