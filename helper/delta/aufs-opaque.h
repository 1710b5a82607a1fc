/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <limits.h>
#include <stddef.h>

/*
 * Add to the delta at `top`, which is in aufs's form, what makes aufs show over `lowers` (nearest first; O_PATH is
 * enough) what the delta means. Times of directories stay. 0; or -errno, and in `error` where, relative to the top.
 */
int settle_aufs(int top, const int *lowers, size_t n, char error[static PATH_MAX]);
