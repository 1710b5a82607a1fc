/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../config/spec.h"

/* A container's stack being turned into what others may see of it: the same, read-only. */
struct view {
	const char *dir; /* the container's */
	struct stack *out;
	char **covers; /* directories that a tmpfs hides: what lies there is of one run of the container */
	size_t ncovers;
};

/* For the types: add a spec as it is, with ro and without the options that are for writers. */
void view_add(struct view *view, const struct spec *spec);
/* Add one of the spec's directories, as `dir` would show it. */
void view_add_dir(struct view *view, const struct spec *spec, const char *source);
/* From here on, a tmpfs hides this directory. */
void view_cover(struct view *view, const char *source);
bool view_is_covered(const struct view *view, const char *source);

/*
 * Add to *out what a stack whose relative sources are in dir (absolute) shows read-only. Overlays come apart: a stack
 * of several trees is for an overlay above it. 0 or -errno (logged).
 */
int view_stack(const struct stack *stack, const char *dir, struct stack *out);

/* The type that merges the trees of a stack: the one that their whiteouts are for, else overlay. A constant. */
const char *view_union(const struct stack *stack);

/* Put an overlay (or the union that layers are for) without upper, for which users have no word, on all trees of the
 * stack. 0 or -errno (logged). */
int view_merge(struct stack *stack, const char *where);

/*
 * The stack with what its specs stand for in their place (`container`, `layer`), merged if it is several trees. 0 or
 * -errno (logged).
 */
int view_expand(const struct stack *stack, struct stack *out);
