/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * commit - a copy of a container's upper becomes a layer.
 *
 * The upper has what its union notes for itself, of inodes that are its own.
 * The layer has only what says how the tree differs from those below.
 */
#include "commit.h"
#include "../base/cleanup.h"
#include "../delta/convert.h"
#include "../base/log.h"
#include "../delta/changes.h"

#include <fcntl.h>

#define TRUSTED "trusted.overlay."
#define INSIDE	1U /* walk_dir's state: an opaque directory, or below one */

/* A copy in the same form. */
struct same {
	const struct delta *delta;
	int top;	   /* of the layer */
	struct walk *walk; /* and the name in its directory that is being copied, or NULL: the directory itself */
	const char *name;
	size_t escaped;	 /* attributes that were left out */
	const char *why; /* it cannot be copied, and which it is */
	char *path;
};

static int refuse(struct same *same, const char *why)
{
	if (!same->why) {
		same->why = why;
		same->path = walk_path(same->walk, same->name ?: "");
	}
	return -EINVAL;
}

static int write_entry(struct same *same, const struct delta_entry *entry, int to)
{
	struct walk *walk = same->walk;
	int r;

	switch (entry->kind) {
	case DELTA_HIDDEN:
		return 0;
	case DELTA_WHITEOUT:
		/* Nothing is below what is opaque. */
		if (walk->here->state & INSIDE)
			return 0;
		r = delta_whiteout(same->delta, same->top, to, entry->name);
		return r < 0 ? walk_failed(walk, entry->name, r) : 0;
	case DELTA_FOREIGN:
		/* Another form could not say it; but this may be what aufs alone can read. */
		if (strncmp(entry->name, ".wh.", 4) == 0)
			return refuse(same,
				      same->delta->form == DELTA_AUFS
					      ? entry->why
					      : "no layer has names that begin with .wh., which mean removed ones");
		return copy_keep(walk, entry->name, entry->type);
	default:
		return copy_keep(walk, entry->name, entry->type);
	}
}

static int enter(struct copy_form *form, struct walk *walk, int to)
{
	struct same *same = form->arg;
	struct delta_dir dir;
	int r;

	if (same->why)
		return -EINVAL;
	same->walk = walk;
	/* Files' attributes are seen when they are copied. */
	r = delta_read_again(same->delta, walk->fd, !walk->here->parent, &dir);
	if (r == 0 && dir.opaque) {
		walk->here->state |= INSIDE;
		r = delta_opaque(same->delta, to);
	}
	if (r < 0)
		(void)walk_failed(walk, "", r);
	for (size_t i = 0; r == 0 && i < dir.n; i++) {
		same->name = dir.entries[i].name;
		r = write_entry(same, &dir.entries[i], to);
	}
	same->name = NULL;
	delta_dir_clear(&dir);
	return r;
}

/* Of overlay's own attributes, those are not copied: they are made anew, or of inodes that the layer has not. What a
 * container's own overlay wrote through ours, ours has escaped: no tar can have that. */
static bool keeps(const struct copy_form *form, const char *xattr)
{
	static const char *const own[] = { "opaque", "origin", "impure", "nlink", "uuid", "protattr", "upper" };
	const char *name = xattr + strlen(TRUSTED);
	struct same *same = form->arg;

	if (!delta_owns_xattr(same->delta, xattr))
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(own); i++)
		if (strcmp(name, own[i]) == 0)
			return false;
	if (strncmp(name, "overlay.", strlen("overlay.")) == 0) {
		same->escaped++;
		return false;
	}
	(void)refuse(same, strcmp(name, "redirect") == 0 ? "overlay renamed it (redirect): its contents are below, "
							   "under another name"
			   : strcmp(name, "metacopy") == 0
				   ? "overlay copied its metadata only (metacopy): its data is below"
				   : "it has an attribute of overlay's whose meaning is not known");
	return false;
}

static int copy_same(const struct delta *delta, int from, int to, const char *name, struct copy *copy)
{
	struct same same = { .delta = delta, .top = to };
	struct copy_form form = { .enter = enter, .keeps = keeps, .arg = &same };
	int r = copy_tree_as(from, to, copy, &form);

	if (same.why)
		r = log_refuse(-EINVAL, "'%s%s%s': %s", name, *same.path ? "/" : "", same.path, same.why);
	else if (r < 0)
		r = log_errno(r, "copy '%s%s%s'", name, *copy->error ? "/" : "", copy->error);
	else if (same.escaped)
		log_warn("'%s': left out %zu attributes of overlays that the container mounted itself", name,
			 same.escaped);
	free(same.path);
	return r;
}

/* The first thing that the other form cannot say. */
struct foreign {
	const char *name;
	bool said;
};

static void found(struct convert *convert, enum convert_kind kind, const char *path, const char *why)
{
	struct foreign *foreign = convert->arg;

	if (kind == CONVERT_FOREIGN && !foreign->said)
		log_error("'%s%s%s': %s", foreign->name, *path ? "/" : "", path, why);
	foreign->said |= kind == CONVERT_FOREIGN;
}

static int copy_other(const struct delta *delta, int from, int to, const char *name, const int *lowers, size_t n,
		      struct copy *copy)
{
	struct foreign foreign = { .name = name };
	struct convert convert;
	int r;

	convert_begin(&convert, delta->form, delta->user);
	convert.lowers = lowers;
	convert.nlowers = n;
	convert.found = found;
	convert.arg = &foreign;
	convert.copy.tick = copy->tick;
	convert.copy.arg = copy->arg;
	r = convert_look(&convert, from);
	if (r == 0)
		r = convert_tree(&convert, from, to, false);
	if (r < 0 && !foreign.said)
		r = log_errno(r, "copy '%s%s%s'", name, *convert.copy.error ? "/" : "", convert.copy.error);
	return r;
}

int commit(struct store *store, const char *id, const char *parent, enum delta_form form, int delta, const char *name,
	   struct copy *copy)
{
	struct stage_dir stage = { .fd = -EBADF };
	int *lowers = NULL, r;
	uint64_t size = 0;
	size_t n = 0;

	r = store_hold_all(store, parent, &lowers, &n);
	if (r == 0)
		r = store_stage(store, &stage);
	if (r == 0 && form == store->delta.form)
		r = copy_same(&store->delta, delta, stage.fd, name, copy);
	else if (r == 0)
		r = copy_other(&store->delta, delta, stage.fd, name, lowers, n, copy);
	if (r == 0 && (r = diffsize(&store->delta, stage.fd, &size)) < 0)
		r = log_errno(r, "size of the layer");
	if (r == 0)
		r = store_add(store, id, parent, false, size, &stage);
	store_unstage(store, &stage);
	store_let_go(lowers, n);
	return r;
}
