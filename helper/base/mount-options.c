/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * mount-options - mount options as text, and the escapes that the kernel
 * writes in them.
 */
#include "mount-options.h"

#include <stdbool.h>
#include <string.h>

const char *mount_option(const char *options, const char *name)
{
	size_t n = strlen(name);

	for (;;) {
		if (strncmp(options, name, n) == 0 && options[n] == '=')
			return options + n + 1;
		options += strcspn(options, ",");
		if (!*options++)
			return NULL;
	}
}

static bool is_octal(char c)
{
	return c >= '0' && c <= '7';
}

char *mount_unescape(char *s)
{
	char *out = s, *p = s;

	for (; *p; out++) {
		if (p[0] == '\\' && is_octal(p[1]) && is_octal(p[2]) && is_octal(p[3])) {
			*out = (char)((p[1] - '0') * 64 + (p[2] - '0') * 8 + (p[3] - '0'));
			p += 4;
		} else {
			*out = *p++;
		}
	}
	*out = '\0';
	return s;
}
