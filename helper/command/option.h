/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/*
 * One option of a verb. Parsing, help, completion and the test that compares the manuals use the same table.
 *
 * `value` also tells completion which values fit: words with '|' between them are the values themselves; NAME is a
 * container, DIR and FILE are paths, ID is a layer, TYPE and SPEC are backing stores.
 */
struct verb_option {
	const char *name;    /* without the leading -- */
	const char *value;   /* the value as help shows it; NULL: the option takes none */
	const char *summary; /* one line, for help */
	const char *choices; /* the values, with '|' between them, if `value` is only a name; or NULL */
	size_t offset;	     /* of the member that `take` fills, in the verb's struct */
	/* Store the value (NULL: none was given) at target. Returns 0, or an exit status after an error line. */
	int (*take)(const struct verb_option *option, const char *value, void *target);
	char letter;		/* its short form, or 0 */
	bool value_is_optional; /* --name without a value is valid, too */
	bool may_be_empty;	/* an empty value is valid: LXC may have nothing to pass */
};

/* The values of an option that may be given several times. */
struct option_list {
	const char **values;
	size_t n;
};

/* An optional value. */
struct option_value {
	bool given;
	const char *value; /* NULL: none */
};

/* Set a bool. */
int option_flag(const struct verb_option *option, const char *value, void *target);
/* Set a const char * to the value; the last value counts. */
int option_text(const struct verb_option *option, const char *value, void *target);
/* Add the value to a struct option_list. */
int option_add(const struct verb_option *option, const char *value, void *target);
/* Set a struct option_value. */
int option_maybe(const struct verb_option *option, const char *value, void *target);

/* Set a pid_t. Returns 0, or EXIT_USAGE after an error line. */
int option_pid(const struct verb_option *option, const char *value, void *target);

/* The options of every verb: log file and priority, quiet, help, version. */
extern const struct verb_option common_options[];

/* The values of --help and --version of common_options. */
struct common {
	bool help, version;
};

/*
 * Entries for the tables of verbs, for the options that several verbs share: the struct, and its member for the value.
 */
#define AT(type, member) .offset = offsetof(type, member)
#define OPTION_NAME(type, member)                                                                              \
	{                                                                                                      \
		.name = "name", .letter = 'n', .value = "NAME",                                                \
		.summary = "the container; NAME as the first word, too", .take = option_text, AT(type, member) \
	}
#define OPTION_LXCPATH(type, member)                                                                          \
	{                                                                                                     \
		.name = "lxcpath", .letter = 'P', .value = "DIR",                                             \
		.summary = "where containers are (default: LXC's own)", .take = option_text, AT(type, member) \
	}
#define OPTION_CONFIG(type, member)                                                                    \
	{                                                                                              \
		.name = "config", .letter = 'f', .value = "FILE",                                      \
		.summary = "use this config file instead of the container's own", .take = option_text, \
		AT(type, member)                                                                       \
	}
#define OPTION_JSON(type, member)                                                                                    \
	{                                                                                                            \
		.name = "json", .summary = "write JSON, see lxc-bdev-json(5)", .take = option_flag, AT(type, member) \
	}
#define OPTION_STORE(type, member)                                                                                    \
	{                                                                                                             \
		.name = "store", .value = "DIR", .summary = "the layer store (default: .bdev-layers in the lxcpath)", \
		.take = option_text, AT(type, member)                                                                 \
	}
