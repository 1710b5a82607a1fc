/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../record/journal.h"

/* Record the loop device on an open file. Returns 0 or -errno (logged). */
int loop_record(struct journal *journal, const char *node, int device, int file);

/* Test whether the open device of this name is the recorded one. */
bool loop_record_is(const struct record *record, const char *node, int device);
