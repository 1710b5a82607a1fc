/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <sys/stat.h>

/* The files of several names of which one was met, and others are still to come. Begins as zeros. */
struct links {
	void *root; /* tsearch(3) */
};

/* A name of a file that has several: true if it is not the first that is met. *ret_first (may be NULL; for the caller
 * to free): the first. */
bool links_met(struct links *links, const struct statx *st, const char *path, char **ret_first);
void links_clear(struct links *links);
