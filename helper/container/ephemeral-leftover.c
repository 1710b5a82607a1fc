/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ephemeral-leftover - tell a leftover of `lxc-bdev ephemeral` from a container that somebody still works on.
 */
#include "ephemeral.h"
#include "../base/cleanup.h"
#include "../base/log.h"
#include "../base/process.h"
#include "../kernel/image.h"
#include "../record/owner.h"

#include <fcntl.h>
#include <sys/file.h>

/*
 * Does somebody work on the container of this log: LXC, which has it open for writing, or the process that made it,
 * which has it locked? 1; 0, also when there is no log; or -errno (logged).
 */
static int is_held(const char *logfile)
{
	_cleanup_close_ int fd = open(logfile, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	int r;

	if (fd < 0)
		return errno == ENOENT ? 0 : log_errno(-errno, "open '%s'", logfile);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? 1 : log_errno(-errno, "lock '%s'", logfile);
	r = lease_is_written(fd);
	return r < 0 ? log_errno(r, "find out whether LXC writes to '%s'", logfile) : r;
}

/* Does its journal name a process that runs? 1, 0 or -errno (logged). */
static int has_live_monitor(const char *dir, const char *name)
{
	struct process monitor;
	struct journal journal;
	int r = journal_open(dir, name, false, &journal);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	monitor = owner_of(&journal)->monitor;
	r = owner_runs(owner_of(&journal));
	journal_close(&journal);
	return r < 0 ? log_errno(r, "'%s': find out whether its monitor (pid %d) runs", dir, (int)monitor.pid) : r;
}

int ephemeral_is_left(const char *dir, const char *name)
{
	_cleanup_free_ char *config = xasprintf("%s/config", dir), *log = xasprintf("%s/%s.log", dir, name);
	_cleanup_free_ char *real = NULL;
	int r = ephemeral_has_mark(config);

	if (r <= 0)
		return r;
	r = is_held(log);
	if (r)
		return r < 0 ? r : 0;
	real = realpath(dir, NULL);
	if (!real)
		return errno == ENOENT ? 0 : log_errno(-errno, "look up '%s'", dir);
	r = has_live_monitor(real, name);
	return r < 0 ? r : !r;
}
