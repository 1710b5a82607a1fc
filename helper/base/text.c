/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * text - what the kernel and its packages say as text: files of /proc and
 * /sys, lists of modules, mount options.
 */
#include "text.h"
#include "cleanup.h"

#include <fcntl.h>
#include <stdbool.h>

#define READ_BYTES 4096

static ssize_t read_again(int fd, void *buf, size_t size)
{
	ssize_t n;

	do
		n = read(fd, buf, size);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

int text_read(const char *path, char **ret, size_t *ret_n)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	_cleanup_free_ char *text = NULL;
	size_t size = 0, used = 0;
	ssize_t n;

	if (fd < 0)
		return -errno;
	do {
		if (size < used + READ_BYTES + 1) {
			size = 2 * size + READ_BYTES + 1;
			text = must(realloc(text, size));
		}
		n = read_again(fd, text + used, READ_BYTES);
		if (n < 0)
			return (int)n;
		used += (size_t)n;
	} while (n > 0);
	text[used] = '\0';
	*ret = TAKE_PTR(text);
	*ret_n = used;
	return 0;
}

ssize_t text_begin(const char *path, char *buf, size_t size)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read_again(fd, buf, size - 1);
	if (n >= 0)
		buf[n] = '\0';
	return n;
}

int text_has(const char *path, const char *text)
{
	FILE *f = fopen(path, "re");
	char *line = NULL;
	size_t size = 0;
	int r = 0;

	if (!f)
		return -errno;
	while (r == 0 && (errno = 0, getline(&line, &size, f) >= 0))
		r = strstr(line, text) != NULL;
	if (r == 0 && ferror(f))
		r = -(errno ?: EIO);
	free(line);
	(void)fclose(f);
	return r;
}

const char *text_option(const char *options, const char *name)
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

char *text_unescape(char *s)
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

char *text_trim(char *s)
{
	char *end;

	s += strspn(s, " \t");
	end = s + strlen(s);
	while (end > s && strchr(" \t", end[-1]))
		*--end = '\0';
	return s;
}
