/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../record/journal.h"

/*
 * Record that the stack contains a read-only view of the container in that directory, or writes to that container's own
 * stack. A view and a writer of one container exclude each other: each first records itself, then looks for the other
 * (uses_claim_container). Returns 0 or -errno (logged).
 */
int container_record(struct journal *journal, const char *dir, bool writes);

/* Test whether the stack writes to a container's own stack. */
bool container_record_writes(const struct journal *journal);
