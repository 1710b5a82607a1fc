/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * copy-delta - a copy of a container's upper that can be a layer.
 *
 * The upper has attributes that its union wrote for itself, about inodes of its
 * own. The copy has only those that say how the tree differs from the lower layers.
 */
#include "copy-delta.h"
#include "aufs-names.h"
#include "write.h"
#include "xattr.h"
#include "../base/cleanup.h"
#include "../base/log.h"

#define TRUSTED "trusted.overlay."
#define INSIDE	1U /* walk_dir's state: an opaque directory, or below one */

/* A copy in the same whiteout format. */
struct copy_run {
	const struct delta *delta;
	int top;	   /* of the layer */
	struct walk *walk; /* and the name in its directory that is being copied, or NULL: the directory itself */
	const char *name;
	size_t escaped;	 /* attributes that were left out */
	const char *why; /* why it cannot be copied, and which path */
	char *path;
};

static int refuse(struct copy_run *run, const char *why)
{
	if (!run->why) {
		run->why = why;
		run->path = walk_path(run->walk, run->name ?: "");
	}
	return -EINVAL;
}

static int write_entry(struct copy_run *run, const struct delta_entry *entry, int to)
{
	struct walk *walk = run->walk;
	int r;

	switch (entry->kind) {
	case DELTA_HIDDEN:
		return 0;
	case DELTA_WHITEOUT:
		/* In an opaque directory it hides nothing. */
		if (walk->here->state & INSIDE)
			return 0;
		r = write_whiteout(run->delta, run->top, to, entry->name);
		return r < 0 ? walk_failed(walk, entry->name, r) : 0;
	case DELTA_FOREIGN:
		/* The other format does not matter; but names of aufs's may have a meaning to aufs alone. */
		if (is_whiteout_name(entry->name))
			return refuse(run,
				      run->delta->format == DELTA_AUFS
					      ? entry->why
					      : "no layer can have names that begin with .wh., which are whiteouts");
		return copy_keep(walk, entry->name, entry->type);
	default:
		return copy_keep(walk, entry->name, entry->type);
	}
}

static int enter(struct copy_form *form, struct walk *walk, int to)
{
	struct copy_run *run = form->arg;
	struct delta_dir dir;
	int r;

	if (run->why)
		return -EINVAL;
	run->walk = walk;
	/* The attributes of files are read when they are copied. */
	r = delta_read_again(run->delta, walk->fd, !walk->here->parent, &dir);
	if (r == 0 && dir.opaque) {
		walk->here->state |= INSIDE;
		r = write_opaque(run->delta, to);
	}
	if (r < 0)
		(void)walk_failed(walk, "", r);
	for (size_t i = 0; r == 0 && i < dir.n; i++) {
		run->name = dir.entries[i].name;
		r = write_entry(run, &dir.entries[i], to);
	}
	run->name = NULL;
	delta_dir_clear(&dir);
	return r;
}

/* Overlay's own attributes are not copied: they are made anew, or are about inodes that the layer does not have. An
 * attribute that overlay escaped belongs to an overlay that the container mounted: no tar can have it. */
static bool keeps(const struct copy_form *form, const char *xattr)
{
	const char *name = xattr + strlen(TRUSTED), *why;
	struct copy_run *run = form->arg;

	if (!xattr_is_own(run->delta, xattr))
		return true;
	if (xattr_is_escaped(name)) {
		run->escaped++;
		return false;
	}
	why = xattr_not_representable(name);
	if (why)
		(void)refuse(run, why);
	return false;
}

int copy_delta(const struct delta *delta, int from, int to, const char *name, struct copy *copy)
{
	struct copy_run run = { .delta = delta, .top = to };
	struct copy_form form = { .enter = enter, .keeps = keeps, .arg = &run };
	int r = copy_tree_as(from, to, copy, &form);

	if (run.why)
		r = log_refuse(-EINVAL, "'%s%s%s': %s", name, *run.path ? "/" : "", run.path, run.why);
	else if (r < 0)
		r = log_errno(r, "copy '%s%s%s'", name, *copy->error ? "/" : "", copy->error);
	else if (run.escaped)
		log_warn("'%s': left out %zu attributes of overlays that the container mounted itself", name,
			 run.escaped);
	free(run.path);
	return r;
}
