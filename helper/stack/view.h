/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../config/spec.h"

/* The read-only view of a container's stack while it is made. */
struct view {
	const char *dir; /* of the container */
	struct stack *out;
	char **covers; /* directories below a tmpfs, whose content belongs to one run of the container */
	size_t ncovers;
};

/* Add a spec, with ro and without options that only concern writing. */
void view_add(struct view *view, const struct spec *spec);
/* Add one of the spec's directories, as a spec of the type dir. */
void view_add_dir(struct view *view, const struct spec *spec, const char *source);
/* Note that a tmpfs covers this directory. */
void view_cover(struct view *view, const char *source);
/* Return whether a tmpfs covers this path. */
bool view_is_covered(const struct view *view, const char *source);

/*
 * Add the view of a stack, whose relative sources are in dir (absolute), to *out. Overlays are replaced by their
 * layers, so several trees need an overlay above them. Returns 0 or -errno (logged).
 */
int view_stack(const struct stack *stack, const char *dir, struct stack *out);

/* Return the type that merges the trees of a stack, by their whiteout format: "aufs" or "overlay", a constant. */
const char *view_union(const struct stack *stack);

/* Add an overlay or aufs without an upper, which users cannot write, to merge the trees of the stack. Returns 0 or
 * -errno (logged). */
int view_merge(struct stack *stack, const char *where);

/*
 * Copy a stack to *out with each `container` and `layer` replaced by its specs, merged if the last one made several
 * trees. Returns 0 or -errno (logged).
 */
int view_expand(const struct stack *stack, struct stack *out);
