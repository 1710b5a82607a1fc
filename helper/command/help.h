/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "verb.h"

/* Return the usage of a verb that is called so ("lxc-bdev layer apply"), on one line, for the caller to free. */
char *help_usage(const struct verb *verb, const char *called);

/* Print the help of a verb: its usage, what it does, its options; or its subverbs. */
void help_verb(const struct verb *verb, const char *called);

/* Print the help of the program: its verbs, and the options that all of them take. */
void help_program(const struct program *program);

/*
 * Print all verbs and options for programs to read: completion, and the tests that compare the manuals with the
 * tables. A line has fields with TABs between them:
 *
 *	verb    NAME WORDS SUMMARY		(hidden NAME ... for a verb that is not for people)
 *	option  NAME --OPTION -LETTER VALUE SUMMARY
 *
 * NAME is "layer apply" for a subverb, and "-" with the options of all verbs. A field that is not there is "-". WORDS
 * are as help shows them, with ';' between alternatives. VALUE is in brackets where it may be left out.
 */
void help_complete(const struct program *program);
