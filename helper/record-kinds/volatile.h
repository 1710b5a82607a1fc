/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../record/journal.h"

/*
 * Record the work directory of a volatile overlay, so that a release removes the marker. Returns 0 or -errno (logged).
 */
int volatile_record(struct journal *journal, int work);
