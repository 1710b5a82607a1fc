/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* help - print the help of verbs and options, and the data for completion, from their tables. */
#include "help.h"
#include "../base/cleanup.h"

#define COLUMN 24 /* where the summary of an option begins */

static char *usage_of(const char *called, const struct verb *verb, const char *words, size_t n)
{
	return xasprintf("%s%s%s%.*s", called, verb->options ? " [OPTION]..." : "", n ? " " : "", (int)n, words);
}

char *help_usage(const struct verb *verb, const char *called)
{
	char *usage = xstrdup("usage: ");

	for (const char *words = verb->words ?: "", *end;; words = end + 1) {
		_cleanup_free_ char *before = usage, *one = NULL;

		end = strchrnul(words, '\n');
		one = usage_of(called, verb, words, (size_t)(end - words));
		usage = xasprintf("%s%s%s", before, before[7] ? "; or " : "", one);
		if (!*end)
			return usage;
	}
}

static void print_usage(const struct verb *verb, const char *called)
{
	const char *before = "usage: ";

	for (const char *words = verb->words ?: "", *end;; words = end + 1, before = "       ") {
		_cleanup_free_ char *one = NULL;

		end = strchrnul(words, '\n');
		one = usage_of(called, verb, words, (size_t)(end - words));
		printf("%s%s\n", before, one);
		if (!*end)
			return;
	}
}

static void print_options(const struct verb_option *options)
{
	for (const struct verb_option *o = options; o && o->name; o++) {
		bool maybe = o->value_is_optional;
		_cleanup_free_ char *name = xasprintf("--%s%s%s%s%s", o->name, maybe ? "[" : "", o->value ? "=" : "",
						      o->value ?: "", maybe ? "]" : "");

		printf("  %c%c%c %-*s %s%s\n", o->letter ? '-' : ' ', o->letter ?: ' ', o->letter ? ',' : ' ', COLUMN,
		       name, o->summary, o->take == option_add ? "; may be given several times" : "");
	}
}

static void print_verbs(const struct verb *const *verbs)
{
	for (; *verbs; verbs++) {
		const struct verb *verb = *verbs;
		const char *words = verb->words ?: "";

		if (verb->hidden)
			continue;
		for (const char *end;; words = end + 1) {
			end = strchrnul(words, '\n');
			printf("  %-9s %.*s\n", verb->name, (int)(end - words), words);
			if (!*end)
				break;
		}
		printf("            %s\n", verb->summary);
	}
}

void help_verb(const struct verb *verb, const char *called)
{
	print_usage(verb, called);
	printf("\n%s\n", verb->summary);
	if (verb->subverbs) {
		printf("\n");
		print_verbs(verb->subverbs);
		printf("\n%s VERB --help shows the options of each.\n", called);
		return;
	}
	if (verb->options)
		printf("\n");
	print_options(verb->options);
	printf("\n");
	print_options(common_options);
}

void help_program(const struct program *program)
{
	printf("usage: %s VERB [OPTION]...\n\n%s\n\n", program->name, program->summary);
	print_verbs(program->verbs);
	printf("  help      [VERB]\n            show this, or the options of a verb, as VERB --help does\n"
	       "  version\n            show the version\n\n");
	print_options(common_options);
	printf("\nexit status: 0 done, 1 failed, 2 wrong usage, 3 not possible on this host\n");
}

static void complete_options(const char *name, const struct verb_option *options)
{
	for (const struct verb_option *o = options; o && o->name; o++)
		printf("option\t%s\t--%s\t-%.1s\t%s%s%s\t%s\n", name, o->name, &o->letter,
		       o->value_is_optional ? "[" : "", o->choices ?: o->value ?: "-", o->value_is_optional ? "]" : "",
		       o->summary);
}

static void complete_verbs(const char *group, const struct verb *const *verbs)
{
	for (; *verbs; verbs++) {
		const struct verb *verb = *verbs;
		_cleanup_free_ char *name = xasprintf("%s%s%s", group, *group ? " " : "", verb->name),
				    *words = xstrdup(verb->words ?: "-");

		for (char *c = words; *c; c++)
			if (*c == '\n')
				*c = ';';
		printf("%s\t%s\t%s\t%s\n", verb->hidden ? "hidden" : "verb", name, words, verb->summary ?: "-");
		complete_options(name, verb->options);
		if (verb->subverbs)
			complete_verbs(name, verb->subverbs);
	}
}

void help_complete(const struct program *program)
{
	complete_verbs("", program->verbs);
	complete_options("-", common_options);
}
