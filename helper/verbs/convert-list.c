/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* convert-list - print what a conversion finds, one line each. */
#include "convert-list.h"
#include "../base/cleanup.h"

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

void convert_list(enum convert_kind kind, const char *dir, const char *path, const char *why)
{
	static const char *const kinds[] = {
		"whiteout", "opaque", "hidden", "not-representable", "ghost", "attributes"
	};
	_cleanup_free_ char *whole = dir ? xasprintf("%s%s%s", dir, *path ? "/" : "", path) : xstrdup(path);
	_cleanup_free_ char *text = convert_escape(whole);

	printf("%s %s%s%s\n", kinds[kind], text, why ? ": " : "", why ?: "");
}
