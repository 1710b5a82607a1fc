/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * pre-start - build the container's stack and pin it in the monitor's namespace.
 *
 * LXC runs this in the monitor, which lxc.monitor.unshare = 1 gave a mount
 * namespace of its own. A stack pinned there is seen by nobody else, outlives
 * a reboot of the container, and dies with the monitor however that dies.
 * Whatever can be refused is refused here: of starts that fail later LXC
 * leaves empty cgroups behind.
 */
#include "../core/build.h"
#include "../core/release.h"
#include "../core/mount.h"
#include "hook.h"

#include <fcntl.h>
#include <sys/stat.h>

#define MONITOR_WAIT_MS 10000
#define MONITOR_SAY_MS	1000
#define RELEASE_POLL_MS 20
/* A killed monitor's init gets SIGKILL, and takes up to seconds to let go of its root. */
#define DEAD_GENERATION_WAIT_MS 10000

/* The monitor of an earlier start still runs, so it has yet to release: let it, a moment at a time. */
static int wait_for_release(const struct process *old, const char *name, long long since, bool *said)
{
	long long waited = proc_now() - since;

	if (waited >= MONITOR_WAIT_MS)
		return log_refuse(-EBUSY, "'%s': the monitor of its last run (pid %d) has not finished within %d s",
				  name, (int)old->pid, MONITOR_WAIT_MS / 1000);
	if (!*said && waited >= MONITOR_SAY_MS) {
		log_warn("'%s': waiting for the monitor of its last run (pid %d) to finish", name, (int)old->pid);
		*said = true;
	}
	(void)proc_wait(old, RELEASE_POLL_MS);
	return 0;
}

/* The stack is where the journal says: this is a reboot that kept it. */
static bool kept(const struct journal *journal)
{
	const char *path = journal_get(journal, "at", 0), *id = journal_get(journal, "at", 1);
	_cleanup_close_ int fd = path ? open(path, O_PATH | O_DIRECTORY | O_CLOEXEC) : -EBADF;

	return fd >= 0 && id && mount_is(fd, id);
}

/*
 * The container's journal, locked, with nothing of another generation in it. 1: this is a reboot and the stack is
 * there; 0; or -errno (logged). *ret_wait_ms: how long what died may still hold on to images.
 */
static int open_generation(const struct container *container, const struct process *monitor, struct journal *journal,
			   int *ret_wait_ms)
{
	long long since = proc_now();
	bool said = false;

	*ret_wait_ms = 1000;
	for (;;) {
		struct process old;
		int r = container_journal(container, true, journal);

		if (r < 0 || !journal->n)
			return r;
		if (!journal_monitor(journal, &old)) {
			old = (struct process){ 0 };
		} else if (old.pid == monitor->pid && old.start == monitor->start) {
			if (kept(journal))
				return 1;
		} else if (proc_alive(&old)) {
			journal_close(journal);
			r = wait_for_release(&old, container->name, since, &said);
			if (r < 0)
				return r;
			continue;
		} else {
			*ret_wait_ms = DEAD_GENERATION_WAIT_MS;
		}
		log_info("'%s': releasing what an earlier run left", container->name);
		r = release(journal);
		if (r < 0)
			return r;
	}
}

static int start(const struct container *container, const struct conf *conf, const struct process *monitor,
		 const char *rootfs)
{
	_cleanup_close_ int stack = -EBADF;
	struct journal journal;
	struct plan plan = { .dirfd = -EBADF };
	int r, wait_ms;

	r = open_generation(container, monitor, &journal, &wait_ms);
	if (r != 0) {
		journal_close(&journal);
		return r < 0 ? r : 0;
	}
	r = container_plan(container, conf, &journal, rootfs, &plan);
	if (r == 0)
		r = journal_begin(&journal, container->dir, container->name, monitor);
	if (r == 0 && plan_keeps(&plan))
		r = journal_add(&journal, "keep", "reboot", NULL);
	if (r == 0)
		r = stack = build_stack(&plan, &journal, wait_ms);
	if (r >= 0 && !conf->idmap && mkdirat(journal.dirfd, "root", 0700) < 0 && errno != EEXIST)
		r = log_errno(-errno, "make '%s'", plan.at);
	if (r >= 0)
		r = release_attach(&journal, stack, plan.at);
	container_plan_close(&plan);
	if (r < 0) {
		/* The stack ends before what it stands on is waited for. */
		cleanup_close(&stack);
		stack = -EBADF;
		(void)release(&journal);
	} else {
		journal_close(&journal);
	}
	return r;
}

static int run(const struct args *args)
{
	struct container container;
	struct conf conf = { 0 };
	struct process monitor;
	int r;

	r = hook_container(args, "pre-start", &container);
	if (r == 0)
		r = conf_read(container.config, &conf);
	/* A container may include bdev.conf and name no stack: LXC's own rootfs is meant. */
	if (r == 0 && conf.stack.n)
		r = hook_monitor(args, &monitor) ?: start(&container, &conf, &monitor, args->rootfs);
	conf_clear(&conf);
	container_clear(&container);
	return r;
}

const struct verb verb_pre_start = {
	.name = "pre-start",
	.options = "nfRM",
	.max = -1,
	.run = run,
};
