/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Return 1 if the directory has no names but those of `except` (up to a NULL; or NULL: none); 0; or -errno. */
int directory_is_empty(int fd, const char *const *except);
