/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>
#include <sys/types.h>

/*
 * Read the whole of a file of unknown size, as those of /proc are: *ret, for the caller to free, ends in a NUL byte
 * that *ret_n does not count. Returns 0 or -errno.
 */
int text_file_read(const char *path, char **ret, size_t *ret_n);

/* Read the first size - 1 bytes of a file as a string. Returns the number of bytes or -errno. */
ssize_t text_file_begin(const char *path, char *buf, size_t size);

/* Look for a line of the file that contains the text. Returns 1, 0 or -errno. */
int text_file_has(const char *path, const char *text);
