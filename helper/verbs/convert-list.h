/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../delta/convert.h"

/* The path as one word of a line, whatever it is, for the caller to free. */
char *convert_escape(const char *path);

/* Show what a conversion finds: a line "KIND PATH[: WHY]". dir (may be NULL): the delta, to stand before the path. */
void convert_list(enum convert_kind kind, const char *dir, const char *path, const char *why);
