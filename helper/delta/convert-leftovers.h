/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "delta.h"

#include <sys/types.h>

/* Return the name of the directory beside `base` in which the new tree is made, for the caller to free. */
char *convert_left_name(const char *base);
/* Return the name of the new tree in it, FORMAT.INODE: the format of the old tree and the inode of the new one. For the
 * caller to free. */
char *convert_left_tree(const struct delta *old, ino_t ino);

/* Remove that directory, with whichever of the two trees is in it. Returns 0, also when there is none, or -errno. */
int convert_left_remove(int parent, const char *base);
