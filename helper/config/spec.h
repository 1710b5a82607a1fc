/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct spec_option {
	char *name;
	char *value; /* NULL: given without '=' */
};

/* A parsed `bdev.rootfs` line or command line SPEC; its type and options are not yet looked up. */
struct spec {
	char *text;  /* as written */
	char *where; /* its name in messages: "FILE:LINE: bdev.rootfs" or "argument N" */
	char *type;
	char **sources; /* the parts of the source between ':', without escapes */
	size_t nsources;
	struct spec_option *options; /* without `ro`, which every type takes */
	size_t noptions;
	bool readonly;
	char *dir; /* another container's directory, from which relative sources are resolved; NULL: the stack's own */
	bool expanded;	  /* made from another spec of its type */
	const char *form; /* the type whose whiteout format the directory has (a constant); NULL: it has no whiteouts */
};

struct stack {
	struct spec *specs; /* lowest first */
	size_t n;
};

/*
 * Parse TYPE:SOURCE[,OPTION[=VALUE]]... and add it to the stack.
 * `\` makes the next one of `: , \` or space ordinary. Returns 0, or -EMALFORMED after one error line.
 */
int spec_add(struct stack *stack, const char *text, const char *where);

/* Escape a text for use as a source or value of a spec. Returns it, for the caller to free. */
char *spec_escape(const char *text);

/* Add a copy of a spec of another stack. Returns it; the pointer is valid until the next spec is added. */
struct spec *spec_copy(struct stack *stack, const struct spec *spec);

/* Remove all specs; the stack can be filled again. */
void stack_clear(struct stack *stack);

/* Find an option. Returns its entry, or NULL: it was not given. */
const struct spec_option *spec_option(const struct spec *spec, const char *name);

/*
 * Read an option's value as bytes ("64M", "1G", "512": powers of 1024). *ret is left alone when it was not given.
 * Returns 0, or -EMALFORMED after one error line.
 */
int spec_bytes(const struct spec *spec, const char *name, uint64_t *ret);

/*
 * Read the partition number of a source of the form IMAGE[:PARTITION], 1 or more. *ret is left alone when none was
 * given. Returns 0, or -EMALFORMED after one error line.
 */
int spec_partition(const struct spec *spec, unsigned int *ret);

/* Read an option's value, one of the words (up to a NULL). Returns it, `otherwise` when it was not given, or NULL after
 * one error line. */
const char *spec_choice(const struct spec *spec, const char *name, const char *const *words, const char *otherwise);

/* Log an error line, "WHERE: 'TEXT': reason". Returns r. */
__attribute__((format(printf, 3, 4))) int spec_refuse(const struct spec *spec, int r, const char *format, ...);
