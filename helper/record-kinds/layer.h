/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../record/journal.h"

/* Record that the stack contains a layer of a store, by its key (layer/store.h). Returns 0 or -errno (logged). */
int layer_record(struct journal *journal, const char *key);
