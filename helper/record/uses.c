/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* uses - find who uses an image, directory, layer or container, in all journals. */
#include "uses.h"
#include "../base/process.h"
#include "../base/cleanup.h"
#include "../base/log.h"
#include "../base/path.h"
#include "owner.h"

#define UNKNOWN_USER "an unknown user: "

/* Test whether a held claim is to the wanted object, in one of the wanted modes. */
static bool matches(const struct claim *held, const struct claim *wanted, bool around)
{
	if (held->object != wanted->object || !(held->mode & wanted->mode) || (wanted->branch && !held->branch))
		return false;
	if (held->id ? wanted->id && strcmp(held->id, wanted->id) == 0 : held->number == wanted->number)
		return true;
	if (!held->path || *held->path != '/' || !wanted->path)
		return false;
	return path_below(held->path, wanted->path) || (around && path_below(wanted->path, held->path));
}

/*
 * Look for the claim in a journal. An owner of which it is unknown whether it runs counts as running. Returns 1: *ret;
 * or 0.
 */
static int find_in(const struct journal *journal, const struct claim *wanted, bool running, struct use *ret)
{
	const struct owner *owner = owner_of(journal);
	/* aufs caches lookups, and returns ESTALE for a directory in a branch that was replaced. */
	bool around = journal_first(journal, &record_aufs);

	for (size_t i = 0; i < journal->n; i++) {
		const struct record *record = &journal->records[i];
		struct claim held = { 0 };
		int r = 1;

		if (record->kind->claim)
			record->kind->claim(record->fields, &held);
		if (held.object == CLAIM_NOTHING || !matches(&held, wanted, around))
			continue;
		if (running && owner->monitor.pid)
			r = owner_runs(owner);
		if (r == 0)
			return 0;
		/* A claim whose owner may run counts. */
		*ret = (struct use){ owner_describe(owner), held.mode, owner_is_container(owner) };
		return 1;
	}
	return 0;
}

int uses_find(const struct claim *wanted, bool running, const char *except, struct use *ret)
{
	const char *own = except ? strrchr(except, '/') + 1 : "";
	char **ids;
	size_t n;
	int r = rundir_ids(&ids, &n);

	*ret = (struct use){ 0 };
	if (r < 0) {
		ret->user = xasprintf("cannot list '%s': %s", RUN_DIR, strerror(-r));
		return r;
	}
	for (size_t i = 0; i < n && r == 0; i++) {
		struct journal journal;

		if (strcmp(ids[i], own) == 0)
			continue;
		r = journal_peek(ids[i], &journal);
		if (r == 0) {
			r = find_in(&journal, wanted, running, ret);
			journal_close(&journal);
		} else if (r == -ENOENT) {
			r = 0;
		} else {
			ret->user = xasprintf("cannot read '%s/%s/journal': %s", RUN_DIR, ids[i], strerror(-r));
		}
	}
	rundir_list_free(ids, n);
	return r;
}

int uses_who(const struct claim *claim, bool running, const char *except, char **ret_user)
{
	struct use found;
	int r = uses_find(claim, running, except, &found);

	*ret_user = r < 0 ? xasprintf(UNKNOWN_USER "%s", found.user) : found.user;
	if (r < 0)
		free(found.user);
	return r;
}

int uses_container(const char *dir, enum claim_mode mode, const char *except, char **ret_user)
{
	return uses_who(&(struct claim){ .object = CLAIM_CONTAINER, .mode = mode, .id = dir }, true, except, ret_user);
}

int uses_shared(const struct journal *journal, const struct record *record)
{
	_cleanup_free_ char *user = NULL;
	struct claim claim = { 0 };
	int r;

	record->kind->claim(record->fields, &claim);
	r = uses_who(&claim, true, journal->dir, &user);
	if (r >= 0)
		return r;
	return claim.id ? log_refuse(-EBUSY, "'%s': may be in use by %s", claim.id, user)
			: log_refuse(-EBUSY, "'%llu': may be in use by %s", claim.number, user);
}
