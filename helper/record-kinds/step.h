/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../record/journal.h"

/*
 * Begin the next step of the stack: records that follow belong to it. dir: the directory of the container whose spec it
 * is, if that is another than the owner; or NULL. 0 or -errno (logged).
 */
int step_begin(struct journal *journal, const char *spec, const char *dir);

/* The spec of the last step, the uppermost one; NULL: there is none. The journal's. */
const char *step_last(const struct journal *journal);
