/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "journal.h"

/*
 * Undo all records of the journal, as far as the kernel has not done so, and wait until images are free; then remove
 * the journal and close it. Repeating it does no harm. After a failure the journal is closed and remains. Returns 0 or
 * the first -errno (each failure logged).
 */
int release(struct journal *journal);
