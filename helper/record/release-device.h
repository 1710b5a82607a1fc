/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "journal.h"

/* What was recorded for one step of the stack, or before the first: records[from] to records[to - 1]. */
struct release_part {
	const struct journal *journal;
	size_t from, to;
	bool attached; /* the stack was attached, so others could use it */
	bool offered;  /* a reader's device, which other readers may have taken */
};

/* End the recorded nbd device, unless it is in use. 0; 1: a reader's that is in use, and ends by itself; or -errno. */
int release_nbd(const struct release_part *part, const struct record *record);
/* Wait for the end of a loop device on what a server serves. The same results. */
int release_loop(const struct release_part *part, const struct record *record);
/* Wait for the end of a server whose devices are gone, or end it. 0 or -errno. All of these log their errors. */
int release_server(const struct release_part *part, const struct record *record);
