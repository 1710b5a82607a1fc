/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fsck - check and repair a store.
 *
 * First, under the lock, the records, holders and mounts: so no concurrent command
 * is seen half-way. Then the contents of each layer, which takes long.
 */
#include "fsck.h"
#include "../delta/check.h"
#include "../base/cleanup.h"
#include "../base/log.h"
#include "cleanup.h"
#include "dir-lock.h"
#include "holders.h"
#include "mounts.h"
#include "remove.h"
#include "staging.h"
#include "users.h"

#include <fcntl.h>
#include <sys/stat.h>

static void tell(struct fsck *fsck, const char *what, const char *name, const char *why, bool repaired)
{
	fsck->left += !repaired;
	fsck->found(fsck, what, name, why, repaired);
}

/* Note that the check fails, if the answer is an error (logged). Returns the answer. */
static int known(struct fsck *fsck, int answer)
{
	if (answer < 0 && fsck->failed == 0)
		fsck->failed = answer;
	return answer;
}

/* Check that its lower layers exist, and are the parent and those of the parent. */
static void check_record(struct fsck *fsck, const struct layer *layer)
{
	_cleanup_free_ char *diff = xasprintf("diff/%s", layer->id);
	struct layer parent = { 0 };
	const char *why;

	for (size_t i = 0; i < layer->n; i++)
		if (known(fsck, layer_exists(fsck->store, layer->lowers[i])) == 0)
			tell(fsck, "missing", layer->id, layer->lowers[i], false);
	if (layer->n && layer_read_unchecked(fsck->store, layer->lowers[0], &parent, &why) == 0) {
		bool same = parent.n + 1 == layer->n;

		for (size_t i = 0; same && i < parent.n; i++)
			same = strcmp(parent.lowers[i], layer->lowers[i + 1]) == 0;
		if (!same)
			tell(fsck, "record", layer->id, "its lower layers are not those of its parent", false);
	}
	layer_clear(&parent);
	if (known(fsck, store_look(fsck->store, diff, NULL)) == 0)
		tell(fsck, "lost", layer->id, "its directory is missing", false);
}

/* Check that a layer is mounted if and only if it has holders. */
static void check_mount(struct fsck *fsck, const char *id)
{
	_cleanup_free_ char *dir = xasprintf(STORE_HOLDERS "/%s", id);
	const struct store *store = fsck->store;
	char **names = NULL, **living = NULL;
	struct layer_use use = { 0 };
	size_t n = 0, m = 0;
	int r = store_look(store, dir, NULL);

	if (r > 0)
		r = store_list(store, dir, &names, &n);
	if (r == 0)
		r = holders_list_living(store, id, fsck->repair, &living, &m);
	if (r == 0)
		r = users_look(store, id, false, &use);
	if (r == 0 && !use.mounted && m)
		r = users_look(store, id, true, &use);
	if (known(fsck, r) < 0) {
		strings_free(names, n);
		strings_free(living, m);
		return;
	}
	if (n > m)
		tell(fsck, "holder", id, "it has ended", fsck->repair);
	if (use.mounted && !use.ours)
		tell(fsck, "mount", id, "another file system is mounted there", false);
	else if (use.mounted && !m)
		tell(fsck, "mount", id, "it has no holder", fsck->repair && mounts_unmount(store, id) == 0);
	for (size_t i = 0; i < m && !use.mounted && !use.elsewhere; i++)
		tell(fsck, "holder", id, "the layer is not mounted",
		     fsck->repair && holders_remove(store, id, living[i]) == 0);
	strings_free(names, n);
	strings_free(living, m);
}

static void check_temp(struct fsck *fsck, const char *dir)
{
	_cleanup_free_ char *name = xasprintf("%s/" STORE_TEMP, dir);

	if (faccessat(fsck->store->fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		tell(fsck, "leftover", name, "a file that was being written",
		     fsck->repair && unlinkat(fsck->store->fd, name, 0) == 0);
}

/* Repair a lost record: layers that depend on this one list its lower layers. */
static void check_lost(struct fsck *fsck, const char *id)
{
	_cleanup_free_ char *child = NULL, *why = NULL;
	struct layer layer = { 0 };
	bool repaired;

	if (known(fsck, layer_find_child(fsck->store, id, &child)) < 0)
		return;
	why = child ? xasprintf("its record is lost; layer '%s' lists its lower layers", child) : NULL;
	repaired = child && fsck->repair && layer_guess_record(fsck->store, id, child, &layer) == 0 &&
		   layer_write_record(fsck->store, &layer) == 0;

	tell(fsck, "record", id, why ?: "its record is lost, and it is kept; lxc-bdev layer remove removes it",
	     repaired);
	layer_clear(&layer);
}

static int check_strays(struct fsck *fsck, const char *dir)
{
	char **names;
	size_t n;
	int r = store_list(fsck->store, dir, &names, &n);

	for (size_t i = 0; i < n; i++) {
		_cleanup_free_ char *name = xasprintf("%s/%s", dir, names[i]);

		if (strcmp(dir, "diff") == 0 && known(fsck, layer_lost_record(fsck->store, names[i])) > 0)
			check_lost(fsck, names[i]);
		else if (known(fsck, cleanup_is_leftover(fsck->store, dir, names[i])) > 0)
			tell(fsck, "leftover", name, "there is no such layer",
			     fsck->repair && staging_bury(fsck->store, dir, names[i]) == 0);
	}
	strings_free(names, n);
	return r;
}

/* Return why this can never be a layer, or NULL. */
static const char *what_is_no_layer(const struct store *store, const struct layer *layer, int r)
{
	_cleanup_free_ char *name = xasprintf("layers/%s", layer->id), *diff = xasprintf("diff/%s", layer->id);
	struct stat st;

	if (r < 0 && fstatat(store->fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISREG(st.st_mode))
		return "it is not a file";
	if (fstatat(store->fd, diff, &st, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISDIR(st.st_mode))
		return "its directory is not a directory";
	for (size_t i = 0; r == 0 && i < layer->n; i++)
		if (layer_depends_on(store, layer->lowers[i], layer->id) > 0)
			return "it depends on itself through another layer";
	return NULL;
}

static bool is_unused(const struct store *store, const char *id)
{
	_cleanup_free_ char *by = NULL;

	return users_find(store, id, &by) == 0;
}

/* Remove what can never be a layer. Its directory stays, if it has one: its record is lost then, which may be
 * repaired. */
static void check_no_layer(struct fsck *fsck, const char *id)
{
	_cleanup_free_ char *diff = xasprintf("diff/%s", id);
	struct layer layer;
	const char *why, *no;
	int r = layer_read_unchecked(fsck->store, id, &layer, &why);
	struct stat st;
	bool repaired;

	no = what_is_no_layer(fsck->store, &layer, r);
	repaired = no && fsck->repair && is_unused(fsck->store, id);
	if (repaired && fstatat(fsck->store->fd, diff, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode))
		repaired = staging_bury(fsck->store, "layers", id) == 0;
	else if (repaired)
		repaired = layer_remove_locked(fsck->store, id) == 0;
	if (no)
		tell(fsck, "record", id, no, repaired);
	layer_clear(&layer);
}

static void check_layer(struct fsck *fsck, const char *id)
{
	struct layer layer;
	const char *why;
	int r = layer_read_unchecked(fsck->store, id, &layer, &why);

	if (what_is_no_layer(fsck->store, &layer, r))
		; /* that was reported */
	else if (r < 0)
		tell(fsck, "record", id, why ?: strerror(-r), false);
	else
		check_record(fsck, &layer);
	check_mount(fsck, id);
	layer_clear(&layer);
}

/* Check the staging directory, in which work in progress is locked. */
static void check_stage(struct fsck *fsck)
{
	const struct store *store = fsck->store;
	_cleanup_close_ int stage = openat(store->fd, STORE_STAGING, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int purged = stage < 0 ? -errno : staging_is_purged(stage),
	    r = purged < 0 ? purged : staging_leftovers(stage, false);
	bool removed =
		r > 0 && fsck->repair && staging_leftovers(stage, true) >= 0 && staging_leftovers(stage, false) == 0;

	/* While a purge is at work, leftovers are no problem. */
	if (r > 0 && !purged)
		tell(fsck, "leftover", STORE_STAGING, "what was being made or removed", removed);
	if (r < 0 && r != -ENOENT)
		(void)known(fsck, log_errno(r, "look at what is in '%s/" STORE_STAGING "'", store->dir));
}

static int check_structure(struct fsck *fsck, char *const *ids, size_t n)
{
	int r = 0;

	/* Damaged and lost records first: the others are checked against the repaired ones. */
	for (size_t i = 0; i < n; i++)
		check_no_layer(fsck, ids[i]);
	r = check_strays(fsck, "diff");
	for (size_t i = 0; i < n; i++)
		if (known(fsck, layer_exists(fsck->store, ids[i])) > 0)
			check_layer(fsck, ids[i]);
	check_temp(fsck, ".");
	check_temp(fsck, "layers");
	check_temp(fsck, STORE_INFO);
	for (size_t i = 0; r == 0 && cleanup_dirs[i]; i++)
		if (strcmp(cleanup_dirs[i], "diff") != 0)
			r = check_strays(fsck, cleanup_dirs[i]);
	check_stage(fsck);
	return r ?: fsck->failed;
}

/* The check of one layer's contents. */
struct contents {
	struct check check;
	struct fsck *fsck;
	const char *id;
};

static void found_inside(struct check *check, const char *what, const char *path, const char *why)
{
	struct contents *contents = check->arg;
	_cleanup_free_ char *name = xasprintf("%s:/%s", contents->id, path);

	/* Attributes without a meaning here: any user may set the one, an overlay in a container the other. */
	if (strstr(why, "user.overlay.*") || strstr(why, "overlay escaped"))
		return;
	tell(contents->fsck, what, name, why, false);
}

static bool has_directories(const struct store *store, const struct layer *layer)
{
	bool has = true;

	for (size_t i = 0; has && i <= layer->n; i++) {
		_cleanup_free_ char *name = xasprintf("diff/%s", i ? layer->lowers[i - 1] : layer->id);

		has = faccessat(store->fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
	}
	return has;
}

static int check_contents(struct fsck *fsck, const char *id)
{
	struct contents contents = { .fsck = fsck, .id = id };
	_cleanup_close_ int fd = -EBADF;
	struct layer layer;
	int *lowers = NULL, r;
	const char *why;

	/* A damaged record or missing directory was reported before. */
	r = layer_read_unchecked(fsck->store, id, &layer, &why);
	if (r == 0 && has_directories(fsck->store, &layer))
		r = fd = dirlock_shared(fsck->store, &layer, &lowers);
	else
		r = -ENOENT;
	if (r < 0) {
		layer_clear(&layer);
		return 0;
	}
	contents.check =
		(struct check){ .lowers = lowers, .nlowers = layer.n, .found = found_inside, .arg = &contents };
	r = check_tree(&contents.check, fd);
	if (r < 0)
		(void)log_errno(r, "look through layer '%s'", id);
	else if (fsck->store->delta.format == DELTA_OVERLAY ? contents.check.aufs && !contents.check.overlay
							    : contents.check.overlay && !contents.check.aufs)
		tell(fsck, "format", id, "it is not in the whiteout format of the store's driver", false);
	dirlock_release(lowers, layer.n);
	layer_clear(&layer);
	return r;
}

int fsck(struct fsck *fsck)
{
	char **ids = NULL;
	size_t n = 0;
	int r = store_lock(fsck->store);

	if (r == 0)
		r = store_list(fsck->store, "layers", &ids, &n);
	if (r == 0)
		r = check_structure(fsck, ids, n);
	store_unlock(fsck->store);
	for (size_t i = 0; r == 0 && i < n; i++)
		r = check_contents(fsck, ids[i]);
	strings_free(ids, n);
	return r;
}
