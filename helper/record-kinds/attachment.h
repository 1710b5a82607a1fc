/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../record/journal.h"

/*
 * Attach a finished stack to a directory, and record it first, so that a release unmounts it. Returns 0 or -errno
 * (logged).
 */
int attachment_make(struct journal *journal, int mount, const char *path);

/* Return the path where the stack was, or was about to be, attached; NULL: nowhere. The journal keeps it. */
const char *attachment_path(const struct journal *journal);

/*
 * Open (O_PATH) the root of the stack below `root` ("" or the root of a process's mount namespace). Returns an fd;
 * -ENOENT: the stack is not attached there; or -errno (not logged).
 */
int attachment_open(const struct journal *journal, const char *root);

/* Test whether the stack is attached in this mount namespace. Returns 1, 0 or -errno (not logged). */
int attachment_is_there(const struct journal *journal);
