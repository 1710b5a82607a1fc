/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>

#define NUMBER_UNITS "KMGT"

/*
 * Read a decimal number without sign or blanks. One letter of `units`, in either case, may follow: the first stands for
 * 1024, the second for 1024 * 1024, and so on ("": no unit). Returns 0, -EINVAL: the text is not such a number; or
 * -ERANGE: it is more than max.
 */
int number_parse(const char *text, const char *units, uint64_t max, uint64_t *ret);
