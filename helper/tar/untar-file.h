/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "untar-job.h"

/* Extract an entry that is no directory, by this name in the current one. Returns 0 or -errno. */
int file_extract(struct job *job, struct archive_entry *entry, const char *name);
/* Read the rest of the entry's data. Returns 0 or -errno. */
int file_skip(struct job *job);
