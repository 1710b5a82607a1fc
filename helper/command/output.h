/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

/* The destination of a command's data. */
struct output {
	const char *file;
	char *temp; /* NULL: written directly to its destination */
	int fd;
	bool named; /* the file `temp` exists */
};

/*
 * Open this file, or (NULL, "-") stdout. output_close() follows in all cases. Returns 0, EXIT_USAGE or -errno (logged).
 */
int output_open(const char *file, struct output *ret);
/*
 * Close the output; r: the result of writing. Only after 0 does the file get its name, replacing an older file. Returns
 * 0, r, or -errno (logged).
 */
int output_close(struct output *output, int r);
