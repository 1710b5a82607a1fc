/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "verb.h"

/*
 * Parse the command line of a verb (argv[0] is its last word) by its tables. args_clear() follows in all cases. With
 * --help or --version, *ret_common is set, and the words are not checked. Returns 0, or an exit status after an error
 * line.
 */
int parse_args(const struct verb *verb, const char *called, int argc, char **argv, struct args *args,
	       struct common *ret_common);

/* Free the members that parse_args() has allocated. */
void args_clear(struct args *args);

/*
 * Find the word that names a subverb: options of any subverb, with their values, may come before it. Returns its index
 * in argv, or argc: there is none.
 */
int parse_find_word(const struct verb *verb, int argc, char **argv);
