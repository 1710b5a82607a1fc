/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Find the value of the option of exactly this name in a list separated by commas, as in mountinfo. Returns the text
 * after its '=', which goes on up to the next comma, or NULL: the option is missing or has no value. Quotes are
 * ordinary characters, as they are to the kernel (mnt_optstr_get_option() of libmount takes them for quotes, so a
 * directory with one in its name would hide the options behind it).
 */
const char *mount_option(const char *options, const char *name);

/* Undo the kernel's octal escapes (\040 and the like) in place. Returns s. */
char *mount_unescape(char *s);
