/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* convert-sum - report in one line, or as JSON, what was done to a delta, or what it is. */
#include "convert-sum.h"
#include "../base/cleanup.h"
#include "../command/json.h"

#include <fcntl.h>

static void say(bool *first, uint64_t n, const char *one, const char *many)
{
	if (!n)
		return;
	printf("%s %llu %s", *first ? ":" : ",", (unsigned long long)n, n == 1 ? one : many);
	*first = false;
}

/* Test whether a delta has the wanted format already. Unknown counts as no: only the message depends on it. */
static bool has_format(const struct convert *convert, const char *dir)
{
	_cleanup_close_ int fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd >= 0 && (delta_is_marked(&convert->to, fd) == 1 || check_has_format(&convert->to, fd) == 1);
}

static void print_same(const struct convert *convert, const char *dir, bool copied)
{
	_cleanup_free_ char *text = convert_escape(dir);

	printf("%s: %s: ", text, copied ? "copied as it is" : "nothing to convert");
	if (has_format(convert, dir))
		printf("it has the %s format already\n", convert_format_name(&convert->to));
	else
		puts("it is plain, which is the same in both whiteout formats");
}

/* Return how many entries were found, of all kinds. */
static uint64_t total(const struct convert *convert)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < ARRAY_SIZE(convert->counts); i++)
		sum += convert->counts[i];
	return sum;
}

static void print_sum(const struct convert *convert, const char *dir, bool look, bool copied)
{
	const uint64_t *counts = convert->counts;
	_cleanup_free_ char *text = convert_escape(dir);
	bool first = true;

	if (!total(convert)) {
		print_same(convert, dir, copied);
		return;
	}
	printf("%s: %s %s", text, convert_format_name(&convert->to), look ? "it would be" : "now");
	say(&first, counts[CONVERT_WHITEOUT], "whiteout", "whiteouts");
	say(&first, counts[CONVERT_OPAQUE], "opaque directory", "opaque directories");
	say(&first, counts[CONVERT_HIDDEN], "hidden name dropped", "hidden names dropped");
	say(&first, counts[CONVERT_GHOST], "whiteout of nothing dropped", "whiteouts of nothing dropped");
	say(&first, counts[CONVERT_OWN], "file with attributes dropped", "files with attributes dropped");
	say(&first, counts[CONVERT_FOREIGN], "entry not representable", "entries not representable");
	puts("");
}

void convert_report_sum(struct convert_report *report, const struct convert *convert, const char *dir, bool dry_run,
			bool copied)
{
	struct json_object *element = convert_report_element(report);

	if (!element) {
		print_sum(convert, dir, dry_run, copied);
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(convert->counts); i++)
		convert_report_count(report, convert_kind_name(i), convert->counts[i]);
	json_add_text(element, "directory", dir);
	json_add_text(element, "format",
		      total(convert) || has_format(convert, dir) ? convert_format_name(&convert->to) : "plain");
}

void convert_report_check(struct convert_report *report, const struct check *check, const char *dir)
{
	const char *format = check->aufs && check->overlay ? "mixed"
			     : check->aufs		   ? "aufs"
			     : check->overlay		   ? "overlay"
							   : "plain";
	struct json_object *element = convert_report_element(report);
	_cleanup_free_ char *text = convert_escape(dir);
	bool first = true;

	if (element) {
		json_add_text(element, "format", format);
		convert_report_count(report, "whiteout", check->whiteouts);
		convert_report_count(report, "opaque", check->opaques);
		convert_report_count(report, "problem", check->problems);
		return;
	}
	printf("%s: %s", text, format);
	say(&first, check->whiteouts, "whiteout", "whiteouts");
	say(&first, check->opaques, "opaque directory", "opaque directories");
	say(&first, check->problems, "problem", "problems");
	puts("");
}
