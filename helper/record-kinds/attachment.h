/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../record/journal.h"

/* Attach a finished stack to a directory, recorded so that a release takes it off. 0 or -errno (logged). */
int attachment_make(struct journal *journal, int mount, const char *path);

/* Where the stack was, or was about to be, attached; NULL: nowhere. The journal's. */
const char *attachment_path(const struct journal *journal);

/*
 * Open (O_PATH) the root of the stack, looked for below `root` ("" or the root of a process's mount namespace). fd;
 * -ENOENT: it was never attached or is not there; or -errno (not logged).
 */
int attachment_open(const struct journal *journal, const char *root);

/* Whether the stack is attached in this mount namespace. 1, 0 or -errno (not logged). */
int attachment_is_there(const struct journal *journal);
