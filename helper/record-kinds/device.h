/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../record/journal.h"

/* Record, for `status`, the way an image is served (struct transport's `how`). Returns 0 or -errno (logged). */
int device_record_transport(struct journal *journal, const char *transport);

/* Record, for `status`, the device of a served image. Returns 0 or -errno (logged). */
int device_record(struct journal *journal, const char *node);
