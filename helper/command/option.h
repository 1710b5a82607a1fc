/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/*
 * One option of a verb. Parsing, help, completion and the test that compares the manuals read the same table.
 *
 * `value` also says how completion finds values: words with '|' between them are the values themselves; NAME is a
 * container, DIR and FILE are paths, ID is a layer, TYPE and SPEC are backing stores.
 */
struct verb_option {
	const char *name;	/* without the leading -- */
	char letter;		/* its short form, or 0 */
	const char *value;	/* the value as help shows it; NULL: it takes none */
	const char *summary;	/* one line, for help */
	bool value_is_optional; /* --name alone will do, too */
	bool may_be_empty;	/* an empty value is one: LXC may have nothing to hand over */
	const char *choices;	/* the values, with '|' between them, where `value` is a mere name; or NULL */
	size_t offset;		/* of what `take` fills, in the verb's struct */
	/* Put the value (NULL: none was given) at target. Returns 0, or an exit status after an error line. */
	int (*take)(const struct verb_option *option, const char *value, void *target);
};

/* The values of an option that may be given several times. */
struct option_list {
	const char **values;
	size_t n;
};

/* The value of an option whose value may be left out. */
struct option_value {
	bool given;
	const char *value; /* NULL: none */
};

/* Set a bool. */
int option_flag(const struct verb_option *option, const char *value, void *target);
/* Set a const char * to the value; the last one given counts. */
int option_text(const struct verb_option *option, const char *value, void *target);
/* Add the value to a struct option_list. */
int option_add(const struct verb_option *option, const char *value, void *target);
/* Set a struct option_value. */
int option_maybe(const struct verb_option *option, const char *value, void *target);

/* Set a pid_t. */
int option_pid(const struct verb_option *option, const char *value, void *target);

/* The options of every verb: log file and priority, quiet, help, version. */
extern const struct verb_option common_options[];

/* What --help and --version of common_options fill. */
struct common {
	bool help, version;
};

/*
 * Entries for the tables of verbs: the member of this struct that takes the option, and what the option is called. The
 * options that several verbs have are written here once.
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
