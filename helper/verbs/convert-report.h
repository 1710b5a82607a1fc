/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../delta/convert.h"

#include <json-c/json.h>

/* What convert writes to stdout: lines of text, or one JSON array with an element for each delta or container. */
struct convert_report {
	struct json_object *list;    /* NULL: text */
	struct json_object *current; /* the element of the current subject, part of the list; NULL: none yet */
	const char *member;	     /* what the current subject is: "directory" or "container" */
	const char *subject;
};

/* Begin a report. */
void convert_report_begin(struct convert_report *report, bool json);
/* Print what was collected, and free it. */
void convert_report_end(struct convert_report *report);

/* The next entries are of this delta (member "directory") or container ("container"). Both strings must last. */
void convert_report_subject(struct convert_report *report, const char *member, const char *name);

/* Return the element of the current subject, which the report keeps; NULL when the report is text. */
struct json_object *convert_report_element(struct convert_report *report);
/* Add a number to the counts of the current subject, unless the report is text. */
void convert_report_count(struct convert_report *report, const char *kind, uint64_t n);

/*
 * Report an entry, as text a line "KIND PATH[: WHY]". In text, prefix (NULL: none) stands in front of the path.
 */
void convert_report_found(struct convert_report *report, const char *kind, const char *prefix, const char *path,
			  const char *why);
/* Report a line of a config file that is or would be converted. */
void convert_report_line(struct convert_report *report, const char *file, unsigned int number, const char *text);

/* Return the name of a kind in reports. */
const char *convert_kind_name(enum convert_kind kind);

/* Escape control characters of a path, so that it fits on a line. Returns it, for the caller to free. */
char *convert_escape(const char *path);
