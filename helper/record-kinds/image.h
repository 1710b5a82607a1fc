/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../record/journal.h"

/* Record that the stack uses the open image file. Returns 0 or -errno (logged). */
int image_record(struct journal *journal, int image, bool writes);
