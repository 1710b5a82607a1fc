/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * record - a record as a line of text: KIND STEP FIELD..., separated by tabs.
 */
#include "record.h"
#include "../base/cleanup.h"
#include "../base/process.h"

static char *escape(const char *text)
{
	char *out = xcalloc(strlen(text) * 2 + 1, 1), *p = out;

	for (; *text; text++) {
		char letter = *text == '\t' ? 't' : *text == '\n' ? 'n' : *text == '\\' ? '\\' : '\0';

		if (letter)
			*p++ = '\\';
		*p++ = letter ? letter : *text;
	}
	return out;
}

static char *unescape(const char *text)
{
	char *out = xcalloc(strlen(text) + 1, 1), *p = out;

	for (; *text; text++) {
		if (*text == '\\' && text[1]) {
			text++;
			*p++ = *text == 't' ? '\t' : *text == 'n' ? '\n' : *text;
		} else {
			*p++ = *text;
		}
	}
	return out;
}

static bool is_end(const struct record_field *field)
{
	return field->type == FIELD_END;
}

/* Return a field as its columns, for the caller to free. */
static char *encode_field(const struct record_field *field, const void *fields)
{
	const void *at = (const char *)fields + field->offset;

	switch (field->type) {
	case FIELD_END:
		break;
	case FIELD_TEXT:
		return escape(*(const char *const *)at ?: "");
	case FIELD_NUMBER:
		return xasprintf("%llu", *(const unsigned long long *)at);
	case FIELD_PROCESS:
		return xasprintf("%d\t%llu", (int)((const struct process *)at)->pid,
				 ((const struct process *)at)->start);
	case FIELD_FLAG:
		return xstrdup(field->words[*(const bool *)at]);
	}
	return xstrdup("");
}

char *record_encode(const struct record_kind *kind, unsigned int step, const void *fields)
{
	char *line = xasprintf("%s\t%u", kind->name, step);

	for (const struct record_field *field = kind->fields; !is_end(field); field++) {
		_cleanup_free_ char *before = line, *text = encode_field(field, fields);

		line = xasprintf("%s\t%s", before, text);
	}
	return line;
}

/* Parse a whole column as a number. Returns 0 or -EBADMSG. */
static int take_number(char **rest, unsigned long long *ret)
{
	const char *text = strsep(rest, "\t");
	char *end;

	if (!text || *text < '0' || *text > '9')
		return -EBADMSG;
	errno = 0;
	*ret = strtoull(text, &end, 10);
	return *end || errno ? -EBADMSG : 0;
}

static int take_field(const struct record_field *field, char **rest, void *fields)
{
	void *at = (char *)fields + field->offset;
	unsigned long long pid = 0;
	const char *text;
	int r;

	switch (field->type) {
	case FIELD_NUMBER:
		return take_number(rest, at);
	case FIELD_PROCESS:
		r = take_number(rest, &pid);
		((struct process *)at)->pid = (pid_t)pid;
		return r ?: take_number(rest, &((struct process *)at)->start);
	case FIELD_TEXT:
	case FIELD_FLAG:
	case FIELD_END:
		break;
	}
	text = strsep(rest, "\t");
	if (!text)
		return -EBADMSG;
	if (field->type == FIELD_TEXT) {
		*(char **)at = unescape(text);
		return 0;
	}
	*(bool *)at = strcmp(text, field->words[1]) == 0;
	return *(bool *)at || strcmp(text, field->words[0]) == 0 ? 0 : -EBADMSG;
}

int record_decode(char *line, struct record *ret)
{
	const struct record_field *field;
	unsigned long long step = 0;
	char *rest = line;
	int r;

	*ret = (struct record){ .kind = record_kind_find(strsep(&rest, "\t")) };
	if (!ret->kind || take_number(&rest, &step) < 0 || step > 0xffff)
		return -EBADMSG;
	ret->step = (unsigned int)step;
	ret->fields = xcalloc(1, ret->kind->size);
	for (field = ret->kind->fields, r = 0; r == 0 && !is_end(field); field++)
		r = take_field(field, &rest, ret->fields);
	return r == 0 && rest ? -EBADMSG : r;
}

void record_clear(struct record *record)
{
	const struct record_field *field = record->kind && record->fields ? record->kind->fields : NULL;

	for (; field && !is_end(field); field++)
		if (field->type == FIELD_TEXT)
			free(*(char **)((char *)record->fields + field->offset));
	free(record->fields);
	*record = (struct record){ 0 };
}
