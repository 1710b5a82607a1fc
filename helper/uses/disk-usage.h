/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../record/journal.h"

/* Bytes of the file system that a stack is written to (0: not known), and bytes of it that the container holds. */
struct usage {
	unsigned long long size, used;
	bool known; /* what is used */
};

/*
 * Find out how much the stack of a journal holds, whose mounted root is `root` (O_PATH directory). What is written to
 * an image or a tmpfs fills that; a directory on the host's file system is walked through, and its files are counted.
 * A directory that nothing writes to, and one that cannot be read to its end because it changes, leave `used` unknown.
 * 0 or -errno (not logged) when the file system does not tell its size.
 */
int usage_of(const struct journal *journal, int root, struct usage *ret);
