/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>
#include <sys/types.h>

/*
 * Read the whole of a file of unknown size, as those of /proc are: *ret, for the caller to free, ends in a NUL byte
 * that *ret_n does not count. Returns 0 or -errno.
 */
int text_read(const char *path, char **ret, size_t *ret_n);

/* Read the first size - 1 bytes of a file as a string. Returns the number of bytes or -errno. */
ssize_t text_begin(const char *path, char *buf, size_t size);

/* Look for a line of the file that contains the text. Returns 1, 0 or -errno. */
int text_has(const char *path, const char *text);

/*
 * Find the value of the option of exactly this name in a list separated by commas, as in mountinfo. Returns the text
 * after its '=', which goes on up to the next comma, or NULL: the option is missing or has no value. Quotes are
 * ordinary characters, as they are to the kernel (mnt_optstr_get_option() of libmount takes them for quotes, so a
 * directory with one in its name would hide the options behind it).
 */
const char *text_option(const char *options, const char *name);

/* Undo the kernel's octal escapes (\040 and the like) in place. Returns s. */
char *text_unescape(char *s);

/* Cut blanks from both ends in place. Returns the first character that is left. */
char *text_trim(char *text);
