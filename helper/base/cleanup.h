/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cleanup - resources that end with their scope, and memory that never fails.
 *
 * Running out of memory ends the process: everything this program does must
 * survive SIGKILL at any instruction, so dying is the best tested error path.
 */
#pragma once

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static inline void cleanup_close(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		(void)close(*fd);
	errno = saved;
}

static inline void cleanup_free(void *p)
{
	free(*(void **)p);
}

#define _cleanup_close_ __attribute__((cleanup(cleanup_close)))
#define _cleanup_free_	__attribute__((cleanup(cleanup_free)))

/* Hand a descriptor or pointer over. Returns it; the variable no longer owns it. */
static inline int take_fd(int *fd)
{
	int taken = *fd;

	*fd = -EBADF;
	return taken;
}

static inline void *take_ptr(void *p)
{
	void *taken = *(void **)p;

	*(void **)p = NULL;
	return taken;
}

#define TAKE_FD(fd) take_fd(&(fd))
#define TAKE_PTR(p) ((__typeof__(p))take_ptr(&(p)))

/* End the process if an allocation failed. Returns p. */
static inline void *must(void *p)
{
	if (p)
		return p;
	(void)!write(STDERR_FILENO, "lxc-bdev: out of memory\n", 24);
	_exit(1);
}

static inline void *xcalloc(size_t n, size_t size)
{
	return must(calloc(n, size));
}

static inline char *xstrdup(const char *s)
{
	return must(strdup(s));
}

static inline char *xstrndup(const char *s, size_t n)
{
	return must(strndup(s, n));
}

/* Format a text. Returns it, for the caller to free. */
__attribute__((format(printf, 1, 2))) static inline char *xasprintf(const char *format, ...)
{
	va_list args;
	char *s = NULL;
	int n;

	va_start(args, format);
	n = vasprintf(&s, format, args);
	va_end(args);
	return must(n < 0 ? NULL : s);
}

/* Make room for one more element behind the *n that *array holds. Returns that element, zeroed. */
static inline void *array_grow(void *array, size_t *n, size_t size)
{
	char **a = array;

	*a = must(realloc(*a, (*n + 1) * size));
	memset(*a + *n * size, 0, size);
	return *a + (*n)++ * size;
}

#define ARRAY_ADD(array, n) ((__typeof__(array))array_grow(&(array), &(n), sizeof(*(array))))
