/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "journal.h"

/*
 * Undo all that the journal records, newest first, as far as the kernel has not done it; wait for images to be let
 * go; then remove the journal and close it. Repeating it does no harm. On failure the journal stays, and the first
 * -errno is returned (each failure logged).
 */
int release(struct journal *journal);

/* Attach a finished stack (build_stack) to a directory, recorded so that release() takes it off. 0 or -errno (logged).
 */
int release_attach(struct journal *journal, int mount, const char *path);
