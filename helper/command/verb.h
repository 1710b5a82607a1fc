/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "option.h"

#include <sys/types.h>

/*
 * The exit statuses, by one rule. A verb that returns -errno exits with EXIT_FAILED, except for two errnos: -EMALFORMED
 * is EXIT_USAGE, -EOPNOTSUPP is EXIT_IMPOSSIBLE.
 */
enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_IMPOSSIBLE = 3 };

/* The parsed command line of one verb. */
struct args {
	const struct verb *verb;
	const void *options; /* the verb's own struct, which its table of options describes */
	int argc;	     /* the operands */
	char **argv;
	int behind;   /* the number of operands after -- */
	mode_t umask; /* the caller's */
};

/* Whether a verb takes the name of a container, as -n NAME or as a word before all others. */
enum name_rule { NAME_NONE, NAME_OPTIONAL, NAME_NEEDED };

struct verb {
	const char *name;
	const char *words;		    /* as usage shows them; a '\n' separates alternatives */
	const char *summary;		    /* one line, for help */
	const struct verb_option *options;  /* up to one without a name; NULL: only the common ones */
	size_t size;			    /* of the struct that the options fill */
	enum name_rule takes_name;	    /* whether it takes a container name; its option has the letter n */
	bool command;			    /* the words after -- are a command, and not the verb's own operands */
	const char *hint;		    /* the right syntax, for messages about unexpected words; or NULL */
	bool hidden;			    /* for hooks and the template; help and completion do not show it */
	int min, max;			    /* the number of operands without the name; max -1: any number */
	const struct verb *const *subverbs; /* up to a NULL: the first word is one of these; or NULL */
	/* Run the verb. Returns 0, -errno after an error line, or an exit status. */
	int (*run)(const struct args *args);
};

/* A program: its verbs, up to a NULL. */
struct program {
	const char *name, *summary;
	const struct verb *const *verbs;
};
