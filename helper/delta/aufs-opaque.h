/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <limits.h>
#include <stddef.h>

/*
 * Add to the delta at `top`, in aufs format, what makes aufs show over `lowers` (nearest first; O_PATH is enough) what
 * the delta means. Directories keep their times. Returns 0; or -errno, and in `error` where, relative to the top.
 */
int settle_aufs(int top, const int *lowers, size_t n, char error[static PATH_MAX]);
