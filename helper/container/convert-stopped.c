/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * convert-stopped - convert a container that an administrator names, and that does not run.
 *
 * Apart from convert.c, which a start needs, too: a start must not ask LXC.
 */
#include "../base/cleanup.h"
#include "../base/log.h"
#include "../base/process.h"
#include "../record/owner.h"
#include "../record/release.h"
#include "convert.h"
#include "lxc.h"

#define MONITOR_WAIT_MS 10000
#define LXC_WAIT_MS	1000
#define MONITOR_POLL_MS 20

/* Unlock the journal; nothing stays of one that has no records. */
static void unlock(struct journal *journal)
{
	if (journal->n)
		journal_close(journal);
	else
		journal_discard(journal);
}

/*
 * Open and lock the journal of a stopped container. LXC may call one stopped before its post-stop has run: that is let
 * finish, and what a dead monitor left is released. LXC is asked before the journal is locked, as the monitor may be in
 * a hook that waits for the lock; a start after the answer has its monitor in the journal. Returns 0 or -errno
 * (logged).
 */
static int lock(const struct container *container, struct journal *journal)
{
	long long since = process_clock();

	for (;;) {
		int runs = lxc_container_is_running(container), alive, r;

		if (runs < 0)
			return runs;
		r = journal_open_container(container, true, journal);
		if (r < 0)
			return r;
		alive = owner_runs(owner_of(journal));
		if (alive < 0) {
			unlock(journal);
			return log_errno(alive, "cannot convert '%s': find out whether it runs", container->name);
		}
		if (!runs && !alive && !journal->n)
			return 0;
		if (!runs && !alive) {
			r = release(journal);
			if (r < 0)
				return r;
			continue;
		}
		unlock(journal);
		if (process_clock() - since >= (runs ? LXC_WAIT_MS : MONITOR_WAIT_MS))
			return log_refuse(-EBUSY, "cannot convert '%s' while it runs; stop it first", container->name);
		process_sleep(MONITOR_POLL_MS);
	}
}

int convert_container(struct convert_container *run)
{
	struct journal journal;
	int r = lock(run->container, &journal);

	if (r < 0)
		return r;
	r = convert_container_locked(run);
	unlock(&journal);
	return r;
}
