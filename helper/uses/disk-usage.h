/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../record/journal.h"

/* Bytes of the file system that a stack writes to (0: unknown), and bytes of it that the container uses. */
struct usage {
	unsigned long long size, used;
	bool known; /* `used` is valid */
};

/*
 * Find out the disk usage of a journal's stack, whose mounted root is `root` (O_PATH directory). For an image or a
 * tmpfs it is that of the file system; for a directory on the host's file system, the sum of its files. `used` stays
 * unknown for a directory without a writer, and for one that cannot be walked to its end because it changes. Returns 0,
 * or -errno (not logged): the size of the file system is unknown.
 */
int usage_of(const struct journal *journal, int root, struct usage *ret);
