/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* doctor - list the leftovers of crashes, and clear them with --fix. */
#include "../config/lxcpath.h"
#include "../qemu/server.h"
#include "../base/cleanup.h"
#include "../config/config-file.h"
#include "../config/container.h"
#include "../container/ephemeral.h"
#include "../record-kinds/attachment.h"
#include "../record/owner.h"
#include "../record-kinds/unfinished.h"
#include "../base/log.h"
#include "../kernel/mount.h"
#include "../record/release.h"
#include "../container/snapshots.h"
#include "../command/json.h"
#include "../command/verb.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

/* How long to wait for the lock of a leftover, which an operation of a killed process may still hold. */
#define LIST_WAIT_MS 200
#define FIX_WAIT_MS  5000

/* The options, and the report. */
struct doctor {
	bool fix;
	struct json_object *list; /* NULL: text */
};

/* A leftover. */
struct found {
	const char *kind, *name, *dir, *problem; /* dir is NULL for a mount */
};

/* Print a leftover, before it is cleared. */
static void show_found(const struct doctor *doctor, const struct found *found)
{
	if (doctor->list)
		return;
	if (found->dir)
		printf("%s '%s' (%s) %s", found->kind, found->name, found->dir, found->problem);
	else
		printf("%s '%s' %s", found->kind, found->name, found->problem);
	(void)fflush(stdout);
}

/* Print the outcome. cleared: the word for it. */
static void show_outcome(const struct doctor *doctor, const struct found *found, bool done, const char *cleared)
{
	struct json_object *object;

	if (!doctor->list) {
		printf("%s%s\n", done ? ": " : doctor->fix ? ": not " : "", done || doctor->fix ? cleared : "");
		return;
	}
	object = json_object_new_object();
	json_add_text(object, "kind", found->kind);
	json_add_text(object, "name", found->name);
	json_add_text(object, "directory", found->dir);
	json_add_text(object, "problem", found->problem);
	json_object_object_add(object, "cleared", json_object_new_boolean(done));
	json_object_array_add(doctor->list, object);
}

/* Test whether a journal is a leftover: its monitor is dead, or its mount is gone. Returns 1, 0 or -errno (logged). */
static int is_left(const struct journal *journal)
{
	const struct owner *owner = owner_of(journal);
	int r;

	if (owner->monitor.pid) {
		r = owner_runs(owner);
		return r < 0 ? log_errno(r, "'%s': find out whether the monitor (pid %d) runs", journal->dir,
					 (int)owner->monitor.pid)
			     : !r;
	}
	r = attachment_is_there(journal);
	return r < 0 ? log_errno(r, "find out what is mounted on '%s'", attachment_path(journal)) : !r;
}

/* Release a journal if it is still a leftover. Returns 0; -ENOENT: it is gone; or -errno (logged). */
static int fix(const struct owner *owner)
{
	struct journal journal;
	int r = journal_open(owner->dir, owner->name, false, &journal);

	if (r < 0)
		return r;
	/* Check again under the lock: a start may have come in between. */
	r = is_left(&journal);
	if (r > 0)
		return release(&journal);
	journal_close(&journal);
	return r;
}

/* Show a leftover journal, and release it with --fix. Returns 1: it remains; 0: it was released; or -errno (logged). */
static int show_left(const struct journal *journal, const struct doctor *doctor)
{
	const struct owner *owner = owner_of(journal);
	bool container = owner_is_container(owner);
	const struct found found = {
		.kind = container || unfinished_is_recorded(journal) ? "container" : "mount",
		.name = owner->name,
		.dir = container || unfinished_is_recorded(journal) ? owner->dir : NULL,
		.problem = unfinished_is_recorded(journal) ? "was not finished by lxc-bdev ephemeral"
			   : container			   ? "ended without releasing its stack"
							   : "ended without lxc-bdev umount",
	};
	int r = 1;

	if (!*owner->name)
		return log_refuse(-EBADMSG, "'%s/journal' names neither a container nor a mount", journal->dir);
	show_found(doctor, &found);
	if (doctor->fix) {
		r = fix(owner);
		r = r == -ENOENT ? 0 : r;
	}
	show_outcome(doctor, &found, r == 0, "released");
	return r;
}

/*
 * Read the journal again after its lock was free, so that it is complete, and test whether it is a leftover. Returns 1,
 * 0 or -errno (logged).
 */
static int look_again(const char *id, struct journal *journal)
{
	int r;

	journal_close(journal);
	r = journal_peek(id, journal);
	if (r < 0)
		return r == -ENOENT ? 0 : journal_unreadable(id, r);
	return is_left(journal);
}

/*
 * Test whether another process still holds the lock after so many ms. An operation of a killed process releases it by
 * itself.
 */
static bool is_in_progress(const struct journal *journal, int ms)
{
	long long until = process_clock() + ms;
	bool locked;

	while ((locked = journal_is_locked(journal)) && process_clock() < until)
		process_sleep(20);
	return locked;
}

/* Examine a journal. Returns 1: a leftover remains; 0; or -errno (logged). */
static int examine(const char *id, const struct doctor *doctor)
{
	struct journal journal;
	int r = journal_peek(id, &journal);

	if (r < 0 && r != -ENOENT)
		return journal_unreadable(id, r);
	if (r < 0)
		return doctor->fix ? journal_clear_empty(id) : 0;
	r = is_left(&journal);
	/* A start or mount in progress has recorded only a part of itself. */
	if (r > 0 && is_in_progress(&journal, doctor->fix ? FIX_WAIT_MS : LIST_WAIT_MS))
		r = 0;
	if (r > 0)
		r = look_again(id, &journal);
	if (r > 0)
		r = show_left(&journal, doctor);
	journal_close(&journal);
	return r;
}

/* Test whether creating the container was interrupted. Returns 1, 0 or -errno (logged). */
static int is_half_made(const char *dir)
{
	int marked = container_is_marked(dir), busy = marked == 1 ? container_is_being_made(dir) : 0;

	if (marked == -ENOTDIR || marked == 0 || busy == 1 || busy == -ENOENT)
		return 0;
	return marked < 0 || busy < 0 ? log_errno(marked < 0 ? marked : busy, "look whether '%s' is whole", dir) : 1;
}

/*
 * Examine a container: creating it may have been interrupted, or it may be a leftover of lxc-bdev ephemeral after a
 * crash of the host. Returns 1: a leftover remains; 0; or -errno.
 */
static int examine_container(const char *lxcpath, const char *name, const struct doctor *doctor)
{
	_cleanup_free_ char *dir = xasprintf("%s/%s", lxcpath, name);
	const char *const argv[] = { "lxc-destroy", "-q", "-P", lxcpath, "-n", name, NULL };
	struct found found = { .kind = "container", .name = name, .dir = dir };
	bool done;
	int half = is_half_made(dir), left = half ? 0 : ephemeral_is_left(dir, name);

	if (half < 0 || left < 0 || (!half && !left))
		return half < 0 ? half : left;
	found.problem =
		half ? "was interrupted while it was made" : "was made by lxc-bdev ephemeral and no longer runs";
	show_found(doctor, &found);
	/* By lxc-destroy, which updates LXC's records and runs our destroy hook. */
	done = doctor->fix && server_call(argv) == 0 && access(dir, F_OK) < 0 && errno == ENOENT;
	show_outcome(doctor, &found, done, "removed");
	return !done;
}

/* Examine each container in lxcpath, and its snapshots. Returns 1: a leftover remains; 0; or -errno. */
static int examine_lxcpath(const char *lxcpath, const struct doctor *doctor, bool snapshots)
{
	DIR *dir = opendir(lxcpath);
	struct dirent *entry;
	int r = 0;

	if (!dir)
		return errno == ENOENT || errno == ENOTDIR ? 0 : log_errno(-errno, "read '%s'", lxcpath);
	while ((errno = 0, entry = readdir(dir))) {
		_cleanup_free_ char *below = xasprintf("%s/%s", lxcpath, entry->d_name),
				    *snaps = snapshots_dir(below, false);
		int one, more = 0;

		if (*entry->d_name == '.')
			continue;
		one = examine_container(lxcpath, entry->d_name, doctor);
		if (snapshots)
			more = examine_lxcpath(snaps, doctor, false);
		r = one < 0 || more < 0 ? -EIO : r < 0 ? r : r | one | more;
	}
	if (errno)
		r = log_errno(-errno, "read '%s'", lxcpath);
	(void)closedir(dir);
	return r;
}

struct doctor_options {
	const char *lxcpath;
	bool fix, json;
};

static int run(const struct args *args)
{
	const struct doctor_options *options = args->options;
	_cleanup_free_ char *lxcpath = options->lxcpath ? xstrdup(options->lxcpath) : lxcpath_default();
	struct doctor doctor = { .fix = options->fix };
	struct stat st;
	char **ids;
	size_t n;
	int made, r;

	if (options->lxcpath && stat(lxcpath, &st) < 0)
		return log_errno(-errno, "lxcpath '%s'", lxcpath);
	doctor.list = options->json ? json_object_new_array() : NULL;
	made = examine_lxcpath(lxcpath, &doctor, true);
	r = rundir_list(&ids, &n);
	if (r == 0 || made < 0)
		r = made;

	for (size_t i = 0; i < n; i++) {
		int one = examine(ids[i], &doctor);

		if (r == 0 || one < 0)
			r = one;
	}
	rundir_list_free(ids, n);
	if (doctor.list)
		json_print(doctor.list);
	return r > 0 ? EXIT_FAILED : r;
}

static const struct verb_option doctor_table[] = {
	OPTION_LXCPATH(struct doctor_options, lxcpath),
	{ .name = "fix", .summary = "clear the leftovers", .take = option_flag, AT(struct doctor_options, fix) },
	OPTION_JSON(struct doctor_options, json),
	{ .name = NULL },
};

const struct verb verb_doctor = {
	.name = "doctor",
	.summary = "list the leftovers of crashes (exit 1 if any); --fix: clear them",
	.options = doctor_table,
	.size = sizeof(struct doctor_options),
	.run = run,
};
