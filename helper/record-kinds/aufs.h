/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../record/journal.h"

/* Record an aufs by its number in sysfs, "si_...". Returns 0 or -errno (logged). */
int aufs_record(struct journal *journal, const char *si);
