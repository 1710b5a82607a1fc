/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* parse - parse the command line of one verb by its tables of options. */
#include "parse.h"
#include "../base/cleanup.h"
#include "../base/log.h"
#include "help.h"
#include "nearest.h"

#include <getopt.h>

#define LONG 256 /* the value of getopt_long() for the first long option */

/* Tables in the form of getopt_long(). */
struct accepted {
	const struct verb_option **options;
	size_t n;
	struct option *longs;
	char *shorts;
};

static void accept_table(struct accepted *accepted, const struct verb_option *table)
{
	for (; table && table->name; table++) {
		bool known = false;

		for (size_t i = 0; i < accepted->n; i++)
			known |= strcmp(accepted->options[i]->name, table->name) == 0;
		if (!known)
			/* NOLINTNEXTLINE(bugprone-sizeof-expression): pointers are meant */
			*ARRAY_ADD(accepted->options, accepted->n) = table;
	}
}

/*
 * Convert the accepted options for getopt_long(). first: "+" ends options at the first operand, as in POSIX; with ""
 * they may come anywhere.
 */
static void accept_done(struct accepted *accepted, const char *first)
{
	char *end = accepted->shorts = xcalloc(3 * accepted->n + 3, 1);

	accepted->longs = xcalloc(accepted->n + 1, sizeof(*accepted->longs));
	end = stpcpy(stpcpy(end, first), ":");
	for (size_t i = 0; i < accepted->n; i++) {
		const struct verb_option *option = accepted->options[i];
		int needs = !option->value		? no_argument
			    : option->value_is_optional ? optional_argument
							: required_argument;

		accepted->longs[i] = (struct option){ .name = option->name, .has_arg = needs, .val = LONG + (int)i };
		if (!option->letter)
			continue;
		*end++ = option->letter;
		for (int colons = 0; colons < needs; colons++)
			*end++ = ':';
	}
	optind = 0; /* restart getopt_long() */
	opterr = 0;
}

static void accepted_clear(struct accepted *accepted)
{
	free(accepted->options);
	free(accepted->longs);
	free(accepted->shorts);
}

/* Find the option of a value of getopt_long(). Returns it or NULL. */
static const struct verb_option *find(const struct accepted *accepted, int letter)
{
	for (size_t i = 0; accepted->options && i < accepted->n; i++) {
		const struct verb_option *option = accepted->options[i];

		if (option && (letter == LONG + (int)i || (letter && letter == option->letter)))
			return option;
	}
	return NULL;
}

/* Refuse an option. word: the last one that getopt_long() read. Returns EXIT_USAGE. */
static int refuse_option(const struct accepted *accepted, const char *called, const char *word)
{
	const struct verb_option *option = find(accepted, optopt);
	_cleanup_free_ char *text = xstrdup(word);
	char short_form[3] = { '-', (char)optopt, '\0' };

	if (option)
		return log_refuse(EXIT_USAGE, "option '--%s' takes no value", option->name);
	if (optopt)
		return log_refuse(EXIT_USAGE, "unknown option '%s'; see %s --help", short_form, called);
	if (strncmp(word, "--", 2) == 0) {
		struct nearest nearest = { .word = text + 2 };

		text[2 + strcspn(text + 2, "=")] = '\0';
		for (size_t i = 0; accepted->options && i < accepted->n; i++)
			if (accepted->options[i])
				nearest_offer(&nearest, accepted->options[i]->name);
		if (nearest.best)
			return log_refuse(EXIT_USAGE, "unknown option '%s'; did you mean '--%s'?", text, nearest.best);
	}
	return log_refuse(EXIT_USAGE, "unknown option '%s'; see %s --help", text, called);
}

static bool is_common(const struct verb_option *option)
{
	for (const struct verb_option *o = common_options; o->name; o++)
		if (o == option)
			return true;
	return false;
}

static int take_options(const struct accepted *accepted, const char *called, int argc, char **argv, void *own,
			struct common *common)
{
	int letter, r = 0;

	while (r == 0 && (letter = getopt_long(argc, argv, accepted->shorts, accepted->longs, NULL)) != -1) {
		const struct verb_option *option = letter == ':' || letter == '?' ? NULL : find(accepted, letter);

		if (letter == ':')
			return log_refuse(EXIT_USAGE, "option '%s' needs a value", argv[optind - 1]);
		if (!option)
			return refuse_option(accepted, called, argv[optind - 1]);
		if (optarg && !*optarg && !option->may_be_empty)
			return log_refuse(EXIT_USAGE, "option '--%s' needs a value", option->name);
		r = option->take(option, optarg, (char *)(is_common(option) ? (void *)common : own) + option->offset);
	}
	return r;
}

/* Return the member for the option -n in the struct of a verb. */
static const char **name_slot(const struct verb *verb, void *options)
{
	for (const struct verb_option *o = verb->options; o && o->name; o++)
		if (o->letter == 'n')
			return (const char **)((char *)options + o->offset);
	return must(NULL);
}

/* Take the container name from the first word. Returns 0, or EXIT_USAGE after an error line. */
static int take_name(const struct verb *verb, void *options, struct args *args)
{
	const char **name = name_slot(verb, options), *word;
	int front = verb->command ? args->argc - args->behind : args->argc;

	/* check_words() refuses too many words. */
	if (!verb->command && front > verb->min + 1)
		return 0;
	if (verb->command ? front > 0 : front == verb->min + 1) {
		word = args->argv[0];
		if (*name && strcmp(*name, word) != 0)
			return log_refuse(EXIT_USAGE, "conflicting container names '%s' and '%s'%s%s", *name, word,
					  verb->hint ? ": " : "", verb->hint ?: "");
		if (!*word)
			return log_refuse(EXIT_USAGE, "the container name is empty");
		*name = word;
		args->argc--;
		args->argv++;
		front--;
	}
	if (verb->command && front > 0)
		return log_refuse(EXIT_USAGE, "unexpected '%s': %s", args->argv[0], verb->hint);
	if (!*name && verb->takes_name == NAME_NEEDED)
		return log_refuse(EXIT_USAGE, "missing container name; use -n NAME");
	return 0;
}

static int check_words(const struct verb *verb, const char *called, struct args *args)
{
	_cleanup_free_ char *usage = NULL;

	if (args->argc >= verb->min && (verb->max < 0 || args->argc <= verb->max))
		return 0;
	usage = help_usage(verb, called);
	return log_refuse(EXIT_USAGE, "%s", usage);
}

int parse_args(const struct verb *verb, const char *called, int argc, char **argv, struct args *args,
	       struct common *ret_common)
{
	struct accepted accepted = { 0 };
	void *options = xcalloc(1, verb->size + 1);
	int r;

	*args = (struct args){ .verb = verb, .options = options };
	*ret_common = (struct common){ 0 };
	/* Before parsing, since getopt_long() reorders the words. */
	for (int i = 1; i < argc && !args->behind; i++)
		if (strcmp(argv[i], "--") == 0)
			args->behind = argc - i - 1;
	accept_table(&accepted, verb->options);
	accept_table(&accepted, common_options);
	accept_done(&accepted, "");
	r = take_options(&accepted, called, argc, argv, options, ret_common);
	accepted_clear(&accepted);
	if (r || ret_common->help || ret_common->version)
		return r;
	args->argc = argc - optind;
	args->argv = argv + optind;
	if (verb->takes_name)
		r = take_name(verb, options, args);
	return r ?: check_words(verb, called, args);
}

void args_clear(struct args *args)
{
	for (const struct verb_option *o = args->verb->options; o && o->name; o++)
		if (o->take == option_add)
			free(((const struct option_list *)((const char *)args->options + o->offset))->values);
	free((void *)args->options);
	args->options = NULL;
}

int parse_find_word(const struct verb *verb, int argc, char **argv)
{
	struct accepted accepted = { 0 };

	for (const struct verb *const *sub = verb->subverbs; *sub; sub++)
		accept_table(&accepted, (*sub)->options);
	accept_table(&accepted, common_options);
	accept_done(&accepted, "+");
	while (getopt_long(argc, argv, accepted.shorts, accepted.longs, NULL) != -1)
		;
	accepted_clear(&accepted);
	return optind;
}
