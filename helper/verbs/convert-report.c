/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* convert-report - write what a conversion finds and does, as text or as JSON. */
#include "convert-report.h"
#include "../base/cleanup.h"
#include "../command/json.h"

char *convert_escape(const char *path)
{
	char *text = xcalloc(4, strlen(path) + 1), *end = text;

	for (const unsigned char *c = (const unsigned char *)path; *c; c++) {
		if (*c < ' ' || *c == 0x7f || *c == '\\')
			end += snprintf(end, 5, "\\%03o", *c);
		else
			*end++ = (char)*c;
	}
	if (end == text)
		*end = '.';
	return text;
}

const char *convert_kind_name(enum convert_kind kind)
{
	static const char *const kinds[] = {
		"whiteout", "opaque", "hidden", "not-representable", "ghost", "attributes"
	};

	return kinds[kind];
}

void convert_report_begin(struct convert_report *report, bool json)
{
	*report = (struct convert_report){ .list = json ? json_object_new_array() : NULL };
}

void convert_report_end(struct convert_report *report)
{
	if (report->list)
		json_print(report->list);
	report->list = report->current = NULL;
}

void convert_report_subject(struct convert_report *report, const char *member, const char *name)
{
	report->current = NULL;
	report->member = member;
	report->subject = name;
}

struct json_object *convert_report_element(struct convert_report *report)
{
	if (report->list && !report->current) {
		report->current = json_object_new_object();
		json_add_text(report->current, report->member, report->subject);
		json_object_object_add(report->current, "format", NULL);
		json_object_object_add(report->current, "counts", json_object_new_object());
		json_object_object_add(report->current, "found", json_object_new_array());
		json_object_array_add(report->list, report->current);
	}
	return report->current;
}

void convert_report_count(struct convert_report *report, const char *kind, uint64_t n)
{
	struct json_object *element = convert_report_element(report), *counts;

	if (element && json_object_object_get_ex(element, "counts", &counts))
		json_object_object_add(counts, kind, json_object_new_int64((int64_t)n));
}

void convert_report_found(struct convert_report *report, const char *kind, const char *prefix, const char *path,
			  const char *why)
{
	struct json_object *element = convert_report_element(report), *found, *entry;

	if (element && json_object_object_get_ex(element, "found", &found)) {
		entry = json_object_new_object();
		json_add_text(entry, "kind", kind);
		json_add_text(entry, "path", path);
		json_add_text(entry, "why", why);
		json_add_text(entry, "delta", prefix);
		json_object_array_add(found, entry);
	} else {
		_cleanup_free_ char *whole =
			prefix ? xasprintf("%s%s%s", prefix, *path ? "/" : "", path) : xstrdup(path);
		_cleanup_free_ char *text = convert_escape(whole);

		printf("%s %s%s%s\n", kind, text, why ? ": " : "", why ?: "");
	}
}

void convert_report_line(struct convert_report *report, const char *file, unsigned int number, const char *text)
{
	struct json_object *element = convert_report_element(report), *lines, *line;

	if (!element) {
		printf("config %s:%u: %s\n", file, number, text);
		return;
	}
	if (!json_object_object_get_ex(element, "config", &lines)) {
		lines = json_object_new_array();
		json_object_object_add(element, "config", lines);
	}
	line = json_object_new_object();
	json_add_text(line, "file", file);
	json_object_object_add(line, "line", json_object_new_int64(number));
	json_add_text(line, "text", text);
	json_object_array_add(lines, line);
}
