/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * spec - the grammar of one backing store: TYPE:SOURCE[,OPTION[=VALUE]]...
 *
 * The reader knows separators and escapes only. Which types and options exist
 * is the types' own business (stack/type.c), so this file never changes for a
 * new one.
 */
#include "spec.h"
#include "../base/cleanup.h"
#include "../base/log.h"
#include "../base/number.h"

#define SPEC_MAX_BYTES 65536 /* 500 lowers of 128 bytes */

/* Hide the "NAME:PASSWORD@" of a URI. Returns the text for a message, for the caller to free. */
static char *shown(const char *text)
{
	const char *name = strstr(text, "://"), *at = name ? strrchr(name, '@') : NULL;

	return at ? xasprintf("%.*s***%s", (int)(name + 3 - text), text, at) : xstrdup(text);
}

int spec_refuse(const struct spec *spec, int r, const char *format, ...)
{
	_cleanup_free_ char *reason = NULL, *text = shown(spec->text);
	va_list args;
	int n;

	va_start(args, format);
	n = vasprintf(&reason, format, args);
	va_end(args);
	if (n < 0)
		must(NULL);
	log_error("%s: '%s': %s", spec->where, text, reason);
	return r;
}

/*
 * Copy *p up to the first unescaped character of `stops`, or the end, without
 * the escapes, and leave *p on that character. Returns the copy, for the caller
 * to free, or NULL: `\` is before a character that it cannot escape.
 */
static char *word(const char **p, const char *stops)
{
	const char *end = *p;
	size_t n = 0;
	char *out;

	/* Allocate no more than the word: a spec may have hundreds of them. */
	while (*end && !strchr(stops, *end))
		end += *end == '\\' && end[1] ? 2 : 1;
	out = xcalloc((size_t)(end - *p) + 1, 1);

	for (; **p && !strchr(stops, **p); (*p)++) {
		if (**p == '\\') {
			(*p)++;
			if (!**p || !strchr(":,\\ ", **p)) {
				free(out);
				return NULL;
			}
		}
		out[n++] = **p;
	}
	return out;
}

static int parse_sources(struct spec *spec, const char **p)
{
	do {
		char *source;

		(*p)++; /* the ':' in front */
		source = word(p, ":,");
		if (!source)
			return spec_refuse(spec, -EMALFORMED, "'\\' can only escape ':' ',' '\\' and space");
		*ARRAY_ADD(spec->sources, spec->nsources) = source;
		if (!*source && spec->nsources > 1)
			return spec_refuse(spec, -EMALFORMED, "empty path between ':'");
	} while (**p == ':');
	return 0;
}

static int parse_option(struct spec *spec, const char **p)
{
	_cleanup_free_ char *name = NULL, *value = NULL;
	struct spec_option *option;

	(*p)++; /* the ',' in front */
	name = word(p, ",=");
	if (name && **p == '=') {
		(*p)++;
		value = word(p, ",");
		if (!value)
			return spec_refuse(spec, -EMALFORMED, "'\\' can only escape ':' ',' '\\' and space");
	}
	if (!name)
		return spec_refuse(spec, -EMALFORMED, "'\\' can only escape ':' ',' '\\' and space");
	if (!*name)
		return spec_refuse(spec, -EMALFORMED, "empty option between ','");
	if (strcmp(name, "ro") == 0) {
		if (value)
			return spec_refuse(spec, -EMALFORMED, "option 'ro' takes no value");
		if (spec->readonly)
			return spec_refuse(spec, -EMALFORMED, "option 'ro' is given twice");
		spec->readonly = true;
		return 0;
	}
	if (spec_option(spec, name))
		return spec_refuse(spec, -EMALFORMED, "option '%s' is given twice", name);
	option = ARRAY_ADD(spec->options, spec->noptions);
	option->name = TAKE_PTR(name);
	option->value = TAKE_PTR(value);
	return 0;
}

static int parse(struct spec *spec)
{
	const char *p = spec->text;
	int r;

	if (strlen(p) > SPEC_MAX_BYTES)
		return spec_refuse(spec, -EMALFORMED, "longer than %d bytes", SPEC_MAX_BYTES);
	for (const char *c = p; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 127)
			return spec_refuse(spec, -EMALFORMED,
					   *c == '\r' ? "carriage return in the value: the file has CRLF line ends"
						      : "control character in the value");
	spec->type = word(&p, ":,");
	if (!spec->type || !*spec->type || *p != ':')
		return spec_refuse(spec, -EMALFORMED, "not of the form TYPE:SOURCE[,OPTION[=VALUE]]...");
	r = parse_sources(spec, &p);
	while (r == 0 && *p == ',')
		r = parse_option(spec, &p);
	/* Only an image that is named by a URI needs no source. */
	if (r == 0 && !*spec->sources[0] && !spec_option(spec, "uri"))
		return spec_refuse(spec, -EMALFORMED, "empty %s", spec->nsources > 1 ? "path between ':'" : "source");
	return r;
}

char *spec_escape(const char *text)
{
	char *out = xcalloc(2 * strlen(text) + 1, 1), *end = out;

	for (; *text; text++) {
		if (strchr(":,\\", *text))
			*end++ = '\\';
		*end++ = *text;
	}
	return out;
}

struct spec *spec_copy(struct stack *stack, const struct spec *spec)
{
	struct spec *copy = ARRAY_ADD(stack->specs, stack->n);

	*copy = (struct spec){ .readonly = spec->readonly, .expanded = spec->expanded, .form = spec->form };
	copy->text = xstrdup(spec->text);
	copy->where = xstrdup(spec->where);
	copy->type = xstrdup(spec->type);
	copy->dir = spec->dir ? xstrdup(spec->dir) : NULL;
	for (size_t i = 0; i < spec->nsources; i++)
		*ARRAY_ADD(copy->sources, copy->nsources) = xstrdup(spec->sources[i]);
	for (size_t i = 0; i < spec->noptions; i++)
		*ARRAY_ADD(copy->options, copy->noptions) = (struct spec_option){
			.name = xstrdup(spec->options[i].name),
			.value = spec->options[i].value ? xstrdup(spec->options[i].value) : NULL,
		};
	return copy;
}

static void spec_clear(struct spec *spec)
{
	for (size_t i = 0; i < spec->nsources; i++)
		free(spec->sources[i]);
	for (size_t i = 0; i < spec->noptions; i++) {
		free(spec->options[i].name);
		free(spec->options[i].value);
	}
	free(spec->sources);
	free(spec->options);
	free(spec->type);
	free(spec->where);
	free(spec->text);
	free(spec->dir);
}

int spec_add(struct stack *stack, const char *text, const char *where)
{
	struct spec *spec = ARRAY_ADD(stack->specs, stack->n);

	spec->text = xstrdup(text);
	spec->where = xstrdup(where);
	return parse(spec);
}

void stack_clear(struct stack *stack)
{
	for (size_t i = 0; i < stack->n; i++)
		spec_clear(&stack->specs[i]);
	free(stack->specs);
	*stack = (struct stack){ 0 };
}

const struct spec_option *spec_option(const struct spec *spec, const char *name)
{
	for (size_t i = 0; i < spec->noptions; i++)
		if (strcmp(spec->options[i].name, name) == 0)
			return &spec->options[i];
	return NULL;
}

int spec_bytes(const struct spec *spec, const char *name, uint64_t *ret)
{
	const struct spec_option *option = spec_option(spec, name);
	int r;

	if (!option)
		return 0;
	r = number_parse(option->value ?: "", NUMBER_UNITS, INT64_MAX, ret);
	if (r == -ERANGE)
		return spec_refuse(spec, -EMALFORMED, "%s=%s is too large", name, option->value);
	return r < 0 ? spec_refuse(spec, -EMALFORMED, "%s=%s: not bytes, with K, M, G or T behind for units of 1024",
				   name, option->value ?: "")
		     : 0;
}

int spec_partition(const struct spec *spec, unsigned int *ret)
{
	uint64_t n;

	if (spec->nsources == 1)
		return 0;
	if (spec->nsources > 2 || number_parse(spec->sources[1], "", 9999, &n) < 0 || n < 1)
		return spec_refuse(spec, -EMALFORMED,
				   "what follows the image's ':' is a partition number; write ':' in a path as '\\:'");
	*ret = (unsigned int)n;
	return 0;
}

const char *spec_choice(const struct spec *spec, const char *name, const char *const *words, const char *otherwise)
{
	const struct spec_option *option = spec_option(spec, name);
	char known[80] = "", *end = known;

	if (!option)
		return otherwise;
	for (size_t i = 0; words[i]; i++) {
		if (strcmp(option->value, words[i]) == 0)
			return words[i];
		end += snprintf(end, (size_t)(known + sizeof(known) - end), "%s%s", i ? ", " : "", words[i]);
	}
	(void)spec_refuse(spec, -EMALFORMED, "%s=%s: not one of %s", name, option->value, known);
	return NULL;
}
