/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <sys/stat.h>

/* Files with several names, of which some were met, and others are still to come. Begins as zeros. */
struct links {
	void *root; /* tsearch(3) */
};

/* Note a name of a file with several names. Returns true if it is not the first that is met; then *ret_first (may be
 * NULL; for the caller to free) is the first. */
bool links_met(struct links *links, const struct statx *st, const char *path, char **ret_first);
/* Free all notes. */
void links_clear(struct links *links);
