/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "verb.h"

/*
 * Take the command line of a verb (argv[0] is its last word) apart, by its tables. *args is to be cleared with
 * args_clear(), whatever is returned. Returns 0, or an exit status after an error line. Where --help or --version was
 * given, *ret_common says so, and the words are not checked.
 */
int parse_args(const struct verb *verb, const char *called, int argc, char **argv, struct args *args,
	       struct common *ret_common);

/* Free what parse_args() has allocated. */
void args_clear(struct args *args);

/*
 * Find the word that names a subverb of the verb: options of any subverb, with their values, may stand before it.
 * Returns its index in argv, or argc: there is none.
 */
int parse_find_word(const struct verb *verb, int argc, char **argv);
