/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * changes - list what a layer adds, changes and deletes.
 *
 * The layer is walked, the lower layers are not: only the layer's names are looked
 * up in them, save in an opaque directory, which deletes all that it does not
 * have. All names of a directory are looked up before the first is listed: a
 * directory that is itself the same is listed as changed when names in it were
 * added or deleted.
 */
#include "changes.h"
#include "aufs-names.h"
#include "lowers.h"
#include "same-directory.h"
#include "../base/cleanup.h"
#include "../base/log.h"

#include <fcntl.h>
#include <sys/resource.h>

#define MAX_PARTS 4096 /* directories of lower layers that are kept open */

/* One name of a directory on the way. */
struct name {
	char *name;
	char kind; /* 'A', 'C' or 'D' */
	bool dir;  /* of the layer: listed when it is entered */
};

/* A directory on the way from the top to the current one. */
struct level {
	struct name *names;
	size_t n, said; /* said: the number of names that were listed, or passed over */
	size_t length;	/* of its path, with a slash at the end */
	struct merged_dir lower;
	bool open; /* lower is known */
	bool cut;  /* it or a parent is opaque: it deletes what it does not have */
};

struct changes_run {
	const struct delta *delta;
	struct lowers lowers;
	int (*said)(void *arg, char kind, const char *path);
	void *arg;
	struct level *levels; /* by walk_dir.state */
	size_t n;
	size_t parts, max_parts; /* of all levels */
	char *path;		 /* the current directory's, and more */
	size_t size;
	bool stopped; /* by said() */
	const char *why;
	struct walk walk;
};

static void level_clear(struct changes_run *run, struct level *level)
{
	run->parts -= level->lower.n;
	merged_dir_clear(&level->lower);
	for (size_t i = 0; i < level->n; i++)
		free(level->names[i].name);
	free(level->names);
	*level = (struct level){ 0 };
}

/* Put a name and a slash behind the first bytes of run->path, which end in a slash. Returns where the last slash is. */
static size_t set_path(struct changes_run *run, size_t length, const char *name)
{
	size_t n = strlen(name);

	if (length + n + 2 > run->size)
		run->path = must(realloc(run->path, run->size = (length + n + 2) * 2));
	(void)memcpy(run->path + length, name, n);
	run->path[length + n] = '/';
	return length + n;
}

static int say_name(struct changes_run *run, const struct level *level, const char *name, char kind)
{
	size_t end = set_path(run, level->length, name);
	int r;

	run->path[end] = '\0';
	r = run->said(run->arg, kind, run->path);
	run->path[end] = '/';
	run->stopped = r < 0;
	return r;
}

/* List the level's names that come before this one (NULL: all). Returns 0 or what said() returned. */
static int say(struct changes_run *run, struct level *level, const char *until)
{
	int r = 0;

	for (; r == 0 && level->said < level->n; level->said++) {
		const struct name *name = &level->names[level->said];

		if (until && strcmp(name->name, until) >= 0)
			break;
		if (!name->dir)
			r = say_name(run, level, name->name, name->kind);
	}
	return r;
}

static void add(struct level *level, const char *name, char kind, bool dir)
{
	*ARRAY_ADD(level->names, level->n) = (struct name){ .name = xstrdup(name), .kind = kind, .dir = dir };
}

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct name *)a)->name, ((const struct name *)b)->name);
}

/* Accept an entry that only the other format cannot represent. Returns 0 or -errno. */
static int accept_foreign(struct changes_run *run, struct delta_entry *entry)
{
	if (run->delta->format == DELTA_AUFS && is_whiteout_name(entry->name)) {
		run->why = entry->why;
		return -EINVAL;
	}
	return lowers_set_kind(run->delta, run->walk.fd, entry);
}

/* Compare the names of the layer's directory with the lower layers. Returns 0 or -errno. */
static int look_up(struct changes_run *run, struct level *level, struct delta_dir *dir)
{
	struct statx st;
	int r = 0;

	for (size_t i = 0; i < dir->n; i++) {
		struct delta_entry *entry = &dir->entries[i];

		if (entry->kind == DELTA_HIDDEN)
			continue;
		if (entry->kind == DELTA_FOREIGN)
			r = accept_foreign(run, entry);
		if (r >= 0)
			r = lowers_find(&run->lowers, &level->lower, entry->name, &st);
		if (r < 0)
			return walk_failed(&run->walk, entry->name, r);
		if (entry->kind == DELTA_WHITEOUT && r)
			add(level, entry->name, 'D', false);
		else if (entry->kind != DELTA_WHITEOUT)
			add(level, entry->name, r ? 'C' : 'A', entry->kind == DELTA_DIR);
	}
	return 0;
}

/* Add the names that an opaque directory deletes. Returns 0 or -errno. */
static int look_through(struct changes_run *run, struct level *level)
{
	size_t known = level->n;
	int r = 0;

	for (size_t i = 0; r == 0 && i < level->lower.n; i++) {
		struct delta_dir dir;

		r = delta_read_again(run->delta, level->lower.parts[i].fd, !run->walk.here->parent, &dir);
		for (size_t j = 0; r == 0 && j < dir.n; j++) {
			struct name key = { .name = dir.entries[j].name };
			struct statx st;

			if (dir.entries[j].kind == DELTA_HIDDEN || dir.entries[j].kind == DELTA_WHITEOUT ||
			    (known && bsearch(&key, level->names, known, sizeof(key), compare)))
				continue;
			r = lowers_find(&run->lowers, &level->lower, key.name, &st);
			if (r == 1)
				add(level, key.name, 'D', false);
			r = r < 0 ? r : 0;
		}
		delta_dir_clear(&dir);
	}
	qsort(level->names, level->n, sizeof(*level->names), compare);
	for (size_t i = 1, n = level->n ? 1 : 0, all = level->n; i < all; i++) {
		if (compare(&level->names[n - 1], &level->names[i]) == 0)
			free(level->names[i].name);
		else
			level->names[n++] = level->names[i];
		level->n = n;
	}
	return r < 0 ? walk_failed(&run->walk, "", r) : 0;
}

/* Open the level's directories of the lower layers. Returns 0 or -errno. */
static int open_lower(struct changes_run *run, size_t depth)
{
	struct level *level = &run->levels[depth];
	struct walk_dir *here = run->walk.here;
	int r;

	if (run->parts > run->max_parts)
		for (size_t i = 0; i < depth; i++) {
			run->parts -= run->levels[i].lower.n;
			merged_dir_clear(&run->levels[i].lower);
			run->levels[i].open = false;
		}
	if (depth && run->levels[depth - 1].open)
		r = lowers_enter(&run->lowers, &run->levels[depth - 1].lower, here->name, &level->lower);
	else
		r = lowers_open(&run->lowers, here, &level->lower);
	run->parts += level->lower.n;
	level->open = true;
	return r < 0 ? walk_failed(&run->walk, "", r) : 0;
}

/* List the current directory, unless it is the same. Returns 0 or -errno. */
static int say_dir(struct changes_run *run, size_t depth, bool opaque)
{
	const struct level *level = &run->levels[depth], *above = &run->levels[depth - 1];
	const struct name *name = &above->names[above->said];
	bool same = false;
	int r;

	/* Where the lower layers have a file of this name, there are no parts. */
	if (name->kind == 'C' && !opaque && level->lower.n) {
		r = same_directory(run->delta, run->walk.fd, &run->walk.here->st, level->lower.parts[0].fd);
		if (r < 0)
			return walk_failed(&run->walk, "", r);
		same = r;
		for (size_t i = 0; same && i < level->n; i++)
			same = level->names[i].kind == 'C';
	}
	return same ? 0 : say_name(run, above, name->name, name->kind);
}

static int enter(struct walk *walk)
{
	struct changes_run *run = walk->arg;
	struct delta_dir dir;
	struct level *level, *above = NULL;
	size_t depth;
	int r;

	/* It begins as that of the directory above. */
	depth = walk->here->state += walk->here->parent ? 1 : 0;
	if (depth == run->n)
		(void)ARRAY_ADD(run->levels, run->n);
	level = &run->levels[depth];
	level_clear(run, level);
	if (depth) {
		above = level - 1;
		r = say(run, above, walk->here->name);
		if (r < 0)
			return r;
	}
	level->length = set_path(run, depth ? above->length : 0, walk->here->name) + 1;
	r = open_lower(run, depth);
	if (r < 0)
		return r;
	r = delta_read_again(run->delta, walk->fd, !depth, &dir);
	if (r == 0 && dir.foreign)
		r = (run->why = dir.foreign, -EINVAL);
	level->cut = dir.opaque || (above && above->cut);
	r = r < 0 ? walk_failed(walk, "", r) : look_up(run, level, &dir);
	if (r == 0 && level->cut)
		r = look_through(run, level);
	if (r == 0 && depth)
		r = say_dir(run, depth, dir.opaque);
	delta_dir_clear(&dir);
	for (size_t i = level->n; r == 0 && i-- > 0;)
		if (level->names[i].dir)
			walk_later(walk, level->names[i].name);
	return r;
}

static int leave(struct walk *walk)
{
	struct changes_run *run = walk->arg;
	struct level *level = &run->levels[walk->here->state];
	int r = say(run, level, NULL);

	level_clear(run, level);
	return r;
}

/* Five hundred lower layers are more descriptors than a process begins with. */
static size_t raise_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return MAX_PARTS / 8;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
	return limit.rlim_max / 2 < MAX_PARTS ? limit.rlim_max / 2 : MAX_PARTS;
}

int changes(const struct delta *delta, int layer, const int *lowers, size_t nlowers,
	    int (*said)(void *arg, char kind, const char *path), void *arg)
{
	_cleanup_free_ struct changes_run *run = xcalloc(1, sizeof(*run));
	int r;

	run->delta = delta;
	run->said = said;
	run->arg = arg;
	run->max_parts = raise_limit();
	run->lowers = (struct lowers){ .delta = delta, .fds = lowers, .n = nlowers };
	run->walk.enter = enter;
	run->walk.leave = leave;
	run->walk.arg = run;
	r = walk_tree(&run->walk, layer);
	if (r < 0 && !run->stopped) {
		const char *at = *run->walk.error ? run->walk.error : ".";

		r = run->why ? log_refuse(r, "look at '%s': %s", at, run->why) : log_errno(r, "look at '%s'", at);
	}
	for (size_t i = 0; i < run->n; i++)
		level_clear(run, &run->levels[i]);
	free(run->levels);
	free(run->path);
	return r;
}
