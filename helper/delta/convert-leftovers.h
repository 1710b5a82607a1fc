/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "delta.h"

#include <sys/types.h>

/* The directory beside `base` that the new tree is made in; and that tree's name there, FORM.INODE: the form of the old
 * one, and the new one's inode. For the caller to free. */
char *convert_left_name(const char *base);
char *convert_left_tree(const struct delta *old, ino_t ino);

/* Remove that directory, with whichever of the two is in it. 0 (also when there is none) or -errno. */
int convert_left_remove(int parent, const char *base);
