/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "convert.h"

/*
 * Convert the delta `path` (absolute or relative to dirfd) in its place. A new tree is made beside it, synced, and
 * exchanged with it by one rename: so at any time, also after a SIGKILL or a crash, it is whole in one whiteout format.
 * The next call removes leftovers. Returns 0, also when there is nothing to do; -EBUSY (logged): it is in use; or
 * another -errno (logged; what is not representable is told to found() before).
 */
int convert_in_place(struct convert *convert, int dirfd, const char *path);

/*
 * Check that convert_in_place() could begin: nobody uses the delta, and its place can be exchanged. clear: remove the
 * leftovers of an interrupted conversion. Returns 0 or -errno (logged).
 */
int convert_prepare(int dirfd, const char *path, bool clear);

/* Convert the delta `path` to the new directory `to`, which appears when it is whole. Returns 0 or -errno (logged). */
int convert_to(struct convert *convert, int dirfd, const char *path, const char *to);
