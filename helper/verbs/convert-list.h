/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../delta/convert.h"

/* Escape control characters of a path, so that it fits on a line. Returns it, for the caller to free. */
char *convert_escape(const char *path);

/* Print what a conversion finds: a line "KIND PATH[: WHY]". dir: the delta, as a prefix of the path; or NULL. */
void convert_list(enum convert_kind kind, const char *dir, const char *path, const char *why);
