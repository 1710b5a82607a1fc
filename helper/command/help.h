/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "verb.h"

/* Return the usage of a verb on one line, for the caller to free. called: the full command ("lxc-bdev layer apply"). */
char *help_usage(const struct verb *verb, const char *called);

/* Print the help of a verb: its usage, summary and options, or its subverbs. */
void help_verb(const struct verb *verb, const char *called);

/* Print the help of the program: its verbs, and the options of all verbs. */
void help_program(const struct program *program);

/*
 * Print all verbs and options for programs to read: completion, and the tests that compare the manuals with the
 * tables. A line has fields with TABs between them:
 *
 *	verb    NAME WORDS SUMMARY		(hidden NAME ... for a verb of hooks and scripts)
 *	option  NAME --OPTION -LETTER VALUE SUMMARY
 *
 * NAME is "layer apply" for a subverb, and "-" with the options of all verbs. An empty field is "-". WORDS are as in
 * help, with ';' between alternatives. An optional VALUE is in brackets.
 */
void help_complete(const struct program *program);
