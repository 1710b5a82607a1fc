/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * mount-table - read mountinfo without a library.
 *
 * A line is "ID PARENT MAJOR:MINOR ROOT TARGET OPTIONS [OPTIONAL...] - TYPE
 * SOURCE FILE-SYSTEM-OPTIONS". More fields may follow some day. The kernel
 * writes blanks in a field as octal escapes, and an empty source as nothing.
 */
#include "mount-table.h"
#include "../base/cleanup.h"
#include "../base/text.h"

#include <ctype.h>
#include <limits.h>
#include <sys/sysmacros.h>

/* Cut the next field off *rest. Returns the field, or NULL: there is none. */
static char *next_field(char **rest)
{
	char *field = *rest + strspn(*rest, " ");

	if (!*field)
		return NULL;
	*rest = field + strcspn(field, " ");
	if (**rest)
		*(*rest)++ = '\0';
	return field;
}

/* Parse the id of a mount. Returns whether it is valid. */
static bool parse_id(const char *field, unsigned int *ret)
{
	char *end;
	long n;

	if (!field || isspace((unsigned char)*field))
		return false;
	n = strtol(field, &end, 10);
	if (end == field || *end || n < 0 || n > INT_MAX)
		return false;
	*ret = (unsigned int)n;
	return true;
}

/* Parse a line in place. Returns whether it is one of mountinfo's. */
static bool parse_line(char *line, struct mount_entry *ret)
{
	unsigned int parent, major, minor;
	char *field = next_field(&line), *root, *target;

	if (!parse_id(field, &ret->id) || !parse_id(next_field(&line), &parent))
		return false;
	field = next_field(&line);
	if (!field || sscanf(field, "%u:%u", &major, &minor) != 2)
		return false;
	root = next_field(&line);
	target = next_field(&line);
	if (!root || !target || !next_field(&line))
		return false;
	/* next_field() took the blank before the optional fields, or before the '-' when there are none. */
	line = strncmp(line, "- ", 2) == 0 ? line + 2 : strstr(line, " - ") ? strstr(line, " - ") + 3 : NULL;
	ret->type = line ? next_field(&line) : NULL;
	if (!ret->type)
		return false;
	ret->source = *line == ' ' ? "" : next_field(&line);
	ret->options = next_field(&line);
	if (!ret->source || !ret->options)
		return false;
	ret->dev = makedev(major, minor);
	ret->root = text_unescape(root);
	ret->target = text_unescape(target);
	if (*ret->source)
		text_unescape((char *)ret->source);
	return true;
}

int mount_table_each(const char *path, bool (*found)(const struct mount_entry *entry, void *arg), void *arg)
{
	_cleanup_free_ struct mount_entry *entries = NULL;
	_cleanup_free_ char *text = NULL;
	size_t size, n = 0;
	char *line, *next;
	int r = text_read(path, &text, &size);

	if (r < 0)
		return r;
	for (line = text; line < text + size; line = next) {
		next = memchr(line, '\n', (size_t)(text + size - line));
		if (!next)
			return -EBADMSG;
		*next++ = '\0';
		if (strlen(line) + 1 != (size_t)(next - line) || !parse_line(line, ARRAY_ADD(entries, n)))
			return -EBADMSG;
	}
	for (size_t i = 0; i < n; i++)
		if (found(&entries[i], arg))
			return 1;
	return 0;
}
