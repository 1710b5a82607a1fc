/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

/* Where data goes that a command writes. */
struct output {
	const char *file;
	char *temp; /* NULL: it is written to where it is */
	int fd;
	bool named; /* temp is there */
};

/* Open this file, or (NULL, "-") stdout. 0, EXIT_USAGE or -errno (logged); output_close() in all cases. */
int output_open(const char *file, struct output *ret);
/* End it; r: what writing came to. Only after 0 does the file get its name, and replaces what had it. 0, r, or -errno
 * (logged). */
int output_close(struct output *output, int r);
