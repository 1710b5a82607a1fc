/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * doctor - find what a crash left, and clear it with --fix.
 */
#include "../core/cleanup.h"
#include "../core/journal.h"
#include "../core/log.h"
#include "../core/mount.h"
#include "../core/release.h"
#include "verbs.h"

#include <fcntl.h>
#include <sys/file.h>

/* Nobody will release it: its monitor is dead, or its mount is gone. */
static bool is_left(const struct journal *journal)
{
	const char *at = journal_get(journal, "at", 0), *id = journal_get(journal, "at", 1);
	_cleanup_close_ int fd = -EBADF;
	struct process monitor;

	if (journal_monitor(journal, &monitor))
		return !proc_alive(&monitor);
	fd = at ? open(at, O_PATH | O_DIRECTORY | O_CLOEXEC) : -EBADF;
	return fd < 0 || !id || !mount_is(fd, id);
}

/* A directory without a record is of a helper that was killed before its first act or after its last. */
static void clear_empty(const char *id)
{
	_cleanup_free_ char *path = xasprintf(RUN_DIR "/%s", id);
	_cleanup_close_ int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct journal journal;

	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0)
		return;
	if (journal_peek(id, &journal) != -ENOENT) {
		journal_close(&journal);
		return;
	}
	/* Who waits for this lock looks whether the directory is still there. */
	(void)unlinkat(fd, "journal", 0);
	(void)rmdir(path);
}

/* 1: something is left and stays; 0; or -errno. */
static int examine(const char *id, bool fix)
{
	struct journal journal;
	const char *name, *place;
	bool left;
	int r;

	if (journal_peek(id, &journal) < 0) {
		if (fix)
			clear_empty(id);
		return 0;
	}
	left = is_left(&journal);
	name = journal_get(&journal, "container", 0);
	place = name ? journal_get(&journal, "container", 1) : journal_get(&journal, "target", 0);
	if (!left || !place) {
		journal_close(&journal);
		return 0;
	}
	if (name)
		printf("container '%s' (%s) ended without releasing its stack", name, place);
	else
		printf("mount '%s' ended without lxc-bdev umount", place);
	r = 1;
	if (fix) {
		struct journal locked;

		r = journal_open(name ? place : "", name ?: place, false, &locked);
		/* Looked at again under the lock: a start may have come in between. */
		if (r == 0 && is_left(&locked))
			r = release(&locked);
		else if (r == 0)
			journal_close(&locked);
		r = r == -ENOENT ? 0 : r;
	}
	printf("%s\n", r == 0 ? ": released" : fix ? ": not released" : "");
	journal_close(&journal);
	return r;
}

static int run(const struct args *args)
{
	char **ids;
	size_t n;
	int r = rundir_list(&ids, &n);

	for (size_t i = 0; i < n; i++) {
		int one = examine(ids[i], args->fix);

		if (r == 0 || one < 0)
			r = one;
		free(ids[i]);
	}
	free(ids);
	return r > 0 ? EXIT_FAILED : r;
}

const struct verb verb_doctor = {
	.name = "doctor",
	.usage = "[--fix]",
	.summary = "list what a crash left behind (exit 1 if anything); --fix: clear it",
	.options = "F",
	.run = run,
};
