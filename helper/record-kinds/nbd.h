/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../record/journal.h"

/* Record an nbd device by its backend's name (kernel/nbd.h). Returns 0 or -errno (logged). */
int nbd_record(struct journal *journal, const char *backend);

/* Test whether `node` is the recorded device or a partition of it. Unknown counts as no. */
bool nbd_record_is(const struct record *record, const char *node);
