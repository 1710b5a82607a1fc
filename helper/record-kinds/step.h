/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../record/journal.h"

/*
 * Begin the next step of the stack, to which the following records belong. dir: the directory of the container whose
 * spec it is, if that is not the owner; or NULL. Returns 0 or -errno (logged).
 */
int step_begin(struct journal *journal, const char *spec, const char *dir);

/* Return the spec of the last step, which is the uppermost one; NULL: there is none. The journal keeps it. */
const char *step_last(const struct journal *journal);
