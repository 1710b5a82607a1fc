/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../record/journal.h"

/*
 * Record that the stack shows the read-only view of the container in that directory, or that it writes to what is that
 * container's. A view and a writer of one container exclude each other: each first records itself, then looks for the
 * other (uses_claim_container). 0 or -errno (logged).
 */
int container_record(struct journal *journal, const char *dir, bool writes);

/* Whether the stack writes to what belongs to a container. */
bool container_record_writes(const struct journal *journal);
