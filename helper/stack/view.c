/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * view - the read-only view of a container's stack.
 *
 * Several containers can use it at once, since readers share images. An
 * overlay is replaced by its layers, which become lower layers of the user's
 * overlay: the kernel allows two nested overlays, and clones of clones need
 * more.
 */
#include "view.h"
#include "type.h"
#include "../base/cleanup.h"
#include "../base/path.h"

/* Return whether an option only concerns writing: with `ro`, the type would refuse it. */
static bool is_for_writers(const struct bdev_type *type, const char *name)
{
	for (size_t i = 0; type->for_writers[i]; i++)
		if (strcmp(type->for_writers[i], name) == 0)
			return true;
	return false;
}

static struct spec *add(struct view *view, const struct spec *spec)
{
	struct spec *copy = spec_copy(view->out, spec);

	copy->readonly = true;
	if (!copy->dir)
		copy->dir = xstrdup(view->dir);
	return copy;
}

void view_add(struct view *view, const struct spec *spec)
{
	const struct bdev_type *type = bdev_find(spec->type);
	struct spec *copy = add(view, spec);
	size_t kept = 0;

	for (size_t i = 0; i < copy->noptions; i++) {
		if (is_for_writers(type, copy->options[i].name)) {
			free(copy->options[i].name);
			free(copy->options[i].value);
		} else {
			copy->options[kept++] = copy->options[i];
		}
	}
	copy->noptions = kept;
}

void view_add_dir(struct view *view, const struct spec *spec, const char *source)
{
	_cleanup_free_ char *text = xstrdup(source);
	struct spec *copy = add(view, spec);

	free(copy->type);
	copy->type = xstrdup("dir");
	for (size_t i = 0; i < copy->nsources; i++)
		free(copy->sources[i]);
	copy->nsources = 1;
	copy->sources[0] = TAKE_PTR(text);
	for (size_t i = 0; i < copy->noptions; i++) {
		free(copy->options[i].name);
		free(copy->options[i].value);
	}
	copy->noptions = 0;
}

void view_cover(struct view *view, const char *source)
{
	*ARRAY_ADD(view->covers, view->ncovers) = path_absolute(view->dir, source);
}

bool view_is_covered(const struct view *view, const char *source)
{
	_cleanup_free_ char *path = path_absolute(view->dir, source);

	for (size_t i = 0; i < view->ncovers; i++)
		if (path_below(path, view->covers[i]))
			return true;
	return false;
}

int view_stack(const struct stack *stack, const char *dir, struct stack *out)
{
	struct view view = { .dir = dir, .out = out };
	int r = 0;

	for (size_t i = 0; r == 0 && i < stack->n; i++) {
		const struct spec *spec = &stack->specs[i];
		const struct bdev_type *type = bdev_check(spec);

		if (!type)
			r = -EMALFORMED;
		else if (type->expand && !spec->expanded)
			r = type->expand(spec, out);
		else if (type->view)
			r = type->view(spec, &view);
		else
			view_add(&view, spec);
	}
	for (size_t i = 0; i < view.ncovers; i++)
		free(view.covers[i]);
	free(view.covers);
	return r;
}

const char *view_union(const struct stack *stack)
{
	for (size_t i = 0; i < stack->n; i++)
		if (stack->specs[i].form)
			return stack->specs[i].form;
	return "overlay";
}

int view_merge(struct stack *stack, const char *where)
{
	_cleanup_free_ char *text = xasprintf("%s:merged,ro", view_union(stack));
	int r = spec_add(stack, text, where);

	if (r == 0)
		*stack->specs[stack->n - 1].sources[0] = '\0';
	return r;
}

int view_expand(const struct stack *stack, struct stack *out)
{
	size_t before = 0;
	int r = 0;

	for (size_t i = 0; r == 0 && i < stack->n; i++) {
		const struct bdev_type *type = bdev_check(&stack->specs[i]);

		before = out->n;
		if (!type)
			r = -EMALFORMED;
		else if (type->expand && !stack->specs[i].expanded)
			r = type->expand(&stack->specs[i], out);
		else
			(void)spec_copy(out, &stack->specs[i]);
	}
	/* The last spec made several trees, and no overlay merges them. */
	if (r == 0 && out->n > before + 1)
		r = view_merge(out, stack->specs[stack->n - 1].where);
	return r;
}
