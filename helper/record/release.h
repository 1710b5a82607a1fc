/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "journal.h"

/*
 * Undo all that the journal records, as far as the kernel has not done it, and wait until images are free; then remove
 * the journal and close it. Repeating it does no harm. On failure the journal stays, closed, and the first -errno is
 * returned (each failure logged).
 */
int release(struct journal *journal);
