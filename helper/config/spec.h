/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct spec_option {
	char *name;
	char *value; /* NULL: given without '=' */
};

/* One `bdev.rootfs` line or command line SPEC, taken apart; types and options are not yet looked up. */
struct spec {
	char *text;  /* as written */
	char *where; /* how messages call it: "FILE:LINE: bdev.rootfs" or "SPEC" */
	char *type;
	char **sources; /* what the ':' of the source separate, escapes undone */
	size_t nsources;
	struct spec_option *options; /* without `ro`, which every type takes */
	size_t noptions;
	bool readonly;
	char *dir; /* where relative sources are, if not where the rest of the stack has them: another container's */
	bool expanded;	  /* a part of what another spec of its type stood for */
	const char *form; /* the type that reads what it says was removed (a constant); NULL: it says nothing */
};

struct stack {
	struct spec *specs; /* lowest first */
	size_t n;
};

/*
 * Parse TYPE:SOURCE[,OPTION[=VALUE]]... and add it to the stack.
 * `\` makes the next one of `: , \` or space ordinary. 0, or -EINVAL after one error line.
 */
int spec_add(struct stack *stack, const char *text, const char *where);

/* The text as a source or value of a spec, for the caller to free. */
char *spec_escape(const char *text);

/* Add a copy of a spec of another stack. It stays in its place until the next one is added. */
struct spec *spec_copy(struct stack *stack, const struct spec *spec);

/* Forget all specs; the stack can be filled again. */
void stack_clear(struct stack *stack);

/* The option's entry, or NULL when it was not given. */
const struct spec_option *spec_option(const struct spec *spec, const char *name);

/*
 * The option as bytes ("64M", "1G", "512": powers of 1024). *ret is left alone when it was not given.
 * 0, or -EINVAL after one error line.
 */
int spec_bytes(const struct spec *spec, const char *name, uint64_t *ret);

/*
 * The partition number of a source of the form IMAGE[:PARTITION], 1 or more. *ret is left alone when none was given.
 * 0, or -EINVAL after one error line.
 */
int spec_partition(const struct spec *spec, unsigned int *ret);

/* The option's value, one of the words (up to a NULL); `otherwise` when it was not given. NULL after one error line. */
const char *spec_choice(const struct spec *spec, const char *name, const char *const *words, const char *otherwise);

/* One error line "WHERE: 'TEXT': reason"; returns r. */
__attribute__((format(printf, 3, 4))) int spec_refuse(const struct spec *spec, int r, const char *format, ...);
