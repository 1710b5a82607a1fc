/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * check - find the whiteout format of a delta, and what is wrong with it.
 *
 * Each directory is read in both formats: which of them the tree is meant to have
 * is only known when all of it was read.
 */
#include "check.h"
#include "../base/cleanup.h"
#include "aufs-names.h"
#include "../base/path.h"
#include "../base/walk.h"
#include "xattr.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>

enum { IN_AUFS = 1, IN_OVERLAY = 2 }; /* walk_dir's state: in or below a directory that is opaque in that format */

struct format_walk {
	struct walk walk;
	const struct delta *delta;
};

static bool has_format(const struct delta *delta, const struct delta_dir *dir)
{
	for (size_t i = 0; i < dir->n; i++) {
		const struct delta_entry *entry = &dir->entries[i];

		if (entry->kind == DELTA_WHITEOUT || entry->own ||
		    (delta->format == DELTA_AUFS && is_whiteout_name(entry->name)))
			return true;
	}
	return dir->opaque || dir->own;
}

static int find_format(struct walk *walk)
{
	const struct format_walk *run = walk->arg;
	struct delta_dir dir = { 0 };
	int r = delta_read(run->delta, walk->fd, !walk->here->parent, &dir);

	if (r == 0 && has_format(run->delta, &dir))
		r = -ECANCELED;
	for (size_t i = 0; r == 0 && i < dir.n; i++)
		if (dir.entries[i].type == DT_DIR)
			walk_later(walk, dir.entries[i].name);
	delta_dir_clear(&dir);
	return r;
}

int check_has_format(const struct delta *delta, int fd)
{
	_cleanup_free_ struct format_walk *run = xcalloc(1, sizeof(*run));
	int r;

	run->delta = delta;
	run->walk = (struct walk){ .enter = find_format, .arg = run };
	r = walk_tree(&run->walk, fd);
	return r == -ECANCELED ? 1 : r;
}

struct check_walk {
	struct walk walk;
	struct check *check;
};

static void tell(struct walk *walk, const char *what, const char *name, const char *why)
{
	struct check *check = ((struct check_walk *)walk->arg)->check;
	_cleanup_free_ char *path = walk_path(walk, name);

	check->problems++;
	check->found(check, what, path, why);
}

/*
 * Return 1 if a lower layer has this directory, and it is opaque there too: aufs takes the lowest such directory for
 * the last one, and shows what is in it (aufs-opaque.c); 0; or -errno.
 */
static int is_opaque_below(const struct check *check, const struct walk *walk)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < check->nlowers; i++) {
		_cleanup_close_ int fd = walk_dir_open(walk->here, check->lowers[i]);

		r = fd < 0 ? fd : path_has(fd, WH_OPQ, S_IFREG);
		if (r == -ENOENT || r == -ENOTDIR || r == -ELOOP)
			r = 0;
	}
	return r;
}

/* 0 or -errno. */
static int check_aufs(struct check *check, struct walk *walk, const struct delta_dir *dir)
{
	const struct delta delta = { .format = DELTA_AUFS };
	int r = walk->here->state & IN_AUFS ? is_opaque_below(check, walk) : 0;

	check->aufs |= has_format(&delta, dir);
	check->opaques += dir->opaque;
	for (size_t i = 0; i < dir->n; i++) {
		const struct delta_entry *entry = &dir->entries[i];

		if (entry->kind == DELTA_WHITEOUT) {
			check->whiteouts++;
			if ((walk->here->state & IN_AUFS) && !r)
				tell(walk, "ghost", entry->name, "it hides nothing: the directory is opaque");
		} else if (entry->kind == DELTA_FOREIGN && is_whiteout_name(entry->name)) {
			tell(walk, "not-representable", entry->name, entry->why);
		} else if (entry->kind == DELTA_HIDDEN && !is_whiteout_name(entry->name)) {
			tell(walk, "hidden", entry->name, entry->why);
		} else if (entry->kind == DELTA_HIDDEN && walk->here->parent) {
			tell(walk, "hidden", entry->name, "a leftover of aufs' own");
		}
	}
	return r < 0 ? r : 0;
}

/* Return 1 if no lower layer has this directory; 0; or -errno. */
static int is_new(const struct check *check, const struct walk *walk)
{
	for (size_t i = 0; i < check->nlowers; i++) {
		_cleanup_close_ int fd = walk_dir_open(walk->here, check->lowers[i]);

		if (fd >= 0)
			return 0;
		if (fd != -ENOENT && fd != -ENOTDIR && fd != -ELOOP)
			return fd;
	}
	return check->nlowers > 0;
}

/* 0 or -errno. */
static int check_overlay(struct check *check, struct walk *walk, const struct delta_dir *dir)
{
	const struct delta delta = { .format = DELTA_OVERLAY };
	int is_ghost = walk->here->state & IN_OVERLAY ? 1 : dir->merged ? 0 : -1, r;

	check->overlay |= has_format(&delta, dir);
	check->opaques += dir->opaque;
	if (dir->foreign)
		tell(walk, "not-representable", "", dir->foreign);
	for (size_t i = 0; i < dir->n; i++) {
		const struct delta_entry *entry = &dir->entries[i];

		if (entry->kind == DELTA_WHITEOUT) {
			check->whiteouts++;
			if (is_ghost < 0) {
				r = is_new(check, walk);
				if (r < 0)
					return r;
				is_ghost = r ? 2 : 0;
			}
			if (is_ghost)
				tell(walk, "ghost", entry->name,
				     is_ghost == 1 ? "it hides nothing: the directory is opaque"
						   : "it hides nothing: no lower layer has the directory");
		} else if (entry->kind == DELTA_FOREIGN && entry->own && !is_whiteout_name(entry->name) &&
			   strlen(entry->name) <= AUFS_MAX) {
			/* Names that only aufs cannot have are no problem. */
			tell(walk, "not-representable", entry->name, entry->why);
		}
	}
	return 0;
}

/* Report attributes of the other kind: a mount that reads those would show another tree. */
static void check_other(const struct check *check, struct walk *walk, const struct delta_dir *dir)
{
	const char *why = check->user ? "it has attributes trusted.overlay.*, which are read without userxattr"
				      : "it has attributes user.overlay.*, which are read with userxattr only";

	if (dir->own)
		tell(walk, "not-representable", "", why);
	for (size_t i = 0; i < dir->n; i++)
		if (dir->entries[i].own)
			tell(walk, "not-representable", dir->entries[i].name, why);
}

/* 0 or -errno. */
static int check_top(const struct check *check, struct walk *walk)
{
	const struct delta overlay = { .format = DELTA_OVERLAY, .user = check->user };
	int mark = xattr_opaque_mark(&overlay, walk->fd);

	if (mark == 'y')
		tell(walk, "not-representable", "", "overlay ignores that the top directory is opaque");
	return mark < 0 ? mark : 0;
}

static int check_dir(struct walk *walk)
{
	struct check *check = ((struct check_walk *)walk->arg)->check;
	const struct delta forms[] = {
		{ .format = DELTA_AUFS, .user = check->user },
		{ .format = DELTA_OVERLAY, .user = check->user },
		{ .format = DELTA_OVERLAY, .user = !check->user },
	};
	struct delta_dir dirs[ARRAY_SIZE(forms)] = { 0 };
	bool top = !walk->here->parent;
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(forms); i++)
		r = delta_read(&forms[i], walk->fd, top, &dirs[i]);
	if (r == 0) {
		int at_top = 0, aufs, overlay;

		walk->here->state |= (dirs[0].opaque ? IN_AUFS : 0U) | (dirs[1].opaque ? IN_OVERLAY : 0U);
		if (top)
			at_top = check_top(check, walk);
		aufs = check_aufs(check, walk, &dirs[0]);
		overlay = check_overlay(check, walk, &dirs[1]);
		r = overlay ?: aufs ?: at_top;
		check_other(check, walk, &dirs[2]);
	}
	for (size_t i = 0; r == 0 && i < dirs[0].n; i++)
		if (dirs[0].entries[i].kind == DELTA_DIR || dirs[0].entries[i].kind == DELTA_FOREIGN)
			if (dirs[0].entries[i].type == DT_DIR)
				walk_later(walk, dirs[0].entries[i].name);
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++)
		delta_dir_clear(&dirs[i]);
	return r < 0 ? walk_failed(walk, "", r) : 0;
}

int check_tree(struct check *check, int fd)
{
	_cleanup_free_ struct check_walk *walk = xcalloc(1, sizeof(*walk));
	int r;

	walk->check = check;
	walk->walk = (struct walk){ .enter = check_dir, .arg = walk };
	r = walk_tree(&walk->walk, fd);
	if (r == 0 && check->aufs && check->overlay) {
		check->problems++;
		check->found(check, "mixed", "",
			     "it has both formats: aufs's names, and overlay's devices or attributes");
	}
	return r;
}
