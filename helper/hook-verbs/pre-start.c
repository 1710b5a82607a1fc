/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * pre-start - build the container's stack and attach it on the rootfs path.
 *
 * LXC runs this in the monitor, which lxc.monitor.unshare = 1 gave a mount namespace of its own. A stack attached there
 * is invisible elsewhere, is copied into the container's namespace, survives a reboot of the container, and ends with
 * the monitor however that dies. One hook does everything: each hook costs a start milliseconds, a start that fails in
 * a later hook leaves empty cgroups of LXC's, and with lxc.idmap only this hook has the privileges.
 */
#include "../kernel/namespace.h"
#include "../record-kinds/attachment.h"
#include "../record/owner.h"
#include "../config/rootfs-path.h"
#include "../container/start-plan.h"
#include "../stack/build.h"
#include "../container/convert.h"
#include "../config/dependencies.h"
#include "../container/hostname.h"
#include "../container/linked-clone.h"
#include "../record/release.h"
#include "../kernel/mount.h"
#include "../base/path.h"
#include "../base/remove.h"
#include "hook.h"

#include <fcntl.h>
#include <sys/stat.h>

#define PIN		".lxc_keep" /* the file that LXC makes in the root */
#define MONITOR_WAIT_MS 10000
#define MONITOR_SAY_MS	1000
#define RELEASE_POLL_MS 20
/* A killed monitor's init gets SIGKILL, and takes up to seconds to release its root. */
#define DEAD_GENERATION_WAIT_MS 10000

/*
 * Wait a moment for the monitor of an earlier start, which still runs and has yet to release. Returns 0, or -EBUSY
 * (logged) after MONITOR_WAIT_MS.
 */
static int wait_for_release(const struct process *old, const char *name, long long since, bool *said)
{
	long long waited = process_clock() - since;

	if (waited >= MONITOR_WAIT_MS)
		return log_refuse(-EBUSY, "'%s': the monitor of its last run (pid %d) has not finished within %d s",
				  name, (int)old->pid, MONITOR_WAIT_MS / 1000);
	if (!*said && waited >= MONITOR_SAY_MS) {
		log_warn("'%s': waiting for the monitor of its last run (pid %d) to finish", name, (int)old->pid);
		*said = true;
	}
	(void)process_wait(old, RELEASE_POLL_MS);
	return 0;
}

/*
 * Open the stack that a reboot has kept, where the journal records it. Returns its root; -ENOENT: there is none; or
 * -errno (logged).
 */
static int open_kept(const struct journal *journal)
{
	int fd = attachment_open(journal, "");

	return fd >= 0 || fd == -ENOENT ? fd
					: log_errno(fd, "find out what is mounted on '%s'", attachment_path(journal));
}

/*
 * Open and lock the container's journal, without records of another generation. *ret_kept: the stack that a reboot has
 * kept; *ret_wait_ms: the time for which a dead generation may still hold images. Returns 0 or -errno (logged).
 */
static int open_generation(const struct container *container, const struct process *monitor, struct journal *journal,
			   int *ret_kept, int *ret_wait_ms)
{
	long long since = process_clock();
	bool said = false;

	*ret_wait_ms = 1000;
	for (;;) {
		struct process old;
		int r = journal_open_container(container, true, journal);

		if (r < 0 || !journal->n)
			return r;
		old = owner_of(journal)->monitor;
		if (old.pid == monitor->pid && old.start == monitor->start) {
			*ret_kept = open_kept(journal);
			if (*ret_kept != -ENOENT)
				return *ret_kept < 0 ? *ret_kept : 0;
		} else if ((r = owner_runs(owner_of(journal)))) {
			journal_close(journal);
			r = r < 0 ? log_errno(r, "'%s': find out whether the monitor of its last run (pid %d) runs",
					      container->name, (int)old.pid)
				  : wait_for_release(&old, container->name, since, &said);
			if (r < 0)
				return r;
			continue;
		} else {
			*ret_wait_ms = DEAD_GENERATION_WAIT_MS;
		}
		log_info("'%s': releasing the leftovers of an earlier run", container->name);
		r = release(journal);
		if (r < 0)
			return r;
	}
}

/* Make the stack read-only. Returns 0 or -errno (logged). */
static int make_readonly(int stack)
{
	int r = mount_set_readonly(stack, true, NULL);

	return r < 0 ? log_errno(r, "make the stack read-only") : 0;
}

/*
 * Test whether the root directory is immutable or append-only (chattr). Unknown counts as no: the error is then
 * reported as it is.
 */
static bool is_frozen(int root)
{
	struct statx st;

	return statx(root, "", AT_EMPTY_PATH, STATX_TYPE, &st) == 0 &&
	       (st.stx_attributes & (STATX_ATTR_IMMUTABLE | STATX_ATTR_APPEND));
}

/*
 * Remove what the container may have put in the place of LXC's file. A directory with content is renamed; where an
 * overlay cannot rename it, it is removed. Returns 0; 1: a regular file that cannot be removed, which LXC accepts; or
 * -errno.
 */
static int clear_pin(int root, const char *name)
{
	struct stat st;
	int r;

	if (unlinkat(root, PIN, 0) == 0 || errno == ENOENT || errno == EROFS)
		return 0;
	if (errno == EPERM && is_frozen(root))
		return fstatat(root, PIN, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) ? 1 : -EPERM;
	if (errno != EISDIR)
		return -errno;
	if (unlinkat(root, PIN, AT_REMOVEDIR) == 0)
		return 0;
	if (errno != ENOTEMPTY)
		return -errno;
	if (renameat2(root, PIN, root, PIN ".old", RENAME_NOREPLACE) == 0) {
		log_warn("'%s': renamed the directory '%s' in its root to '%s', as LXC makes a file there", name, PIN,
			 PIN ".old");
		return 0;
	}
	r = remove_tree(root, PIN, NULL);
	if (r == 0)
		log_warn("'%s': removed the directory '%s' in its root, as LXC makes a file there", name, PIN);
	return r;
}

/*
 * Make sure that LXC can make its file in the root. LXC "pins" a root by this file (lxc_rootfs_init() in its conf.c),
 * removes it, and gives up when it cannot, except in a read-only root. A fifo of that name would hang the monitor. So a
 * full file system, or one with an immutable root directory, is mounted read-only. Returns 0 or -errno (logged).
 */
static int prepare_pin(int stack, const char *name)
{
	_cleanup_close_ int root = path_reopen(stack, O_RDONLY | O_DIRECTORY), pin = -EBADF;
	int r = root < 0 ? log_errno(root, "open the stack") : clear_pin(root, name);

	if (root < 0 || r > 0)
		return r < 0 ? r : 0;
	if (r < 0)
		return log_errno(r, "'%s': remove '%s' from its root, where LXC makes a file", name, PIN);
	pin = openat(root, PIN, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (pin >= 0) {
		(void)unlinkat(root, PIN, 0);
		return 0;
	}
	/* EEXIST: another container starts on the same directory concurrently, and could make the file. */
	if (errno == EROFS || errno == EEXIST)
		return 0;
	if (errno == EPERM && is_frozen(root)) {
		log_warn("'%s': its root directory is immutable, so its root is mounted read-only; use chattr -i, then "
			 "restart the container",
			 name);
		return make_readonly(stack);
	}
	if (errno != ENOSPC && errno != EDQUOT)
		return log_errno(-errno, "'%s': make a file in its root, as LXC will", name);
	log_warn(
		"'%s': its file system is full (%s), so its root is mounted read-only; free space, then restart the container",
		name, strerror(errno));
	return make_readonly(stack);
}

/*
 * Prepare a stack that is attached already: one that a reboot has kept, or that this hook attached earlier in the same
 * start, when bdev.conf is included twice. Returns 0 or -errno (logged).
 */
static int reuse(int stack, const char *name, const char *rootfs_path, bool keep)
{
	struct rootfs rootfs = { 0 };
	int r = rootfs_path ? rootfs_parse(rootfs_path, &rootfs) : 0;

	bool below = rootfs.upper;

	rootfs_clear(&rootfs);
	if (r < 0 || below)
		return r;
	/*
	 * A file system that was full was mounted read-only; try again. A stack without a kept tmpfs may be read-only
	 * by its spec.
	 */
	if (keep)
		(void)mount_set_writable(stack);
	return prepare_pin(stack, name);
}

/* Write the container's own host name into its root, for a clone. A failure does not stop the start. */
static void set_hostname(int stack, const struct container *container, const struct conf *conf, const struct plan *plan,
			 const char *rootfs_path)
{
	_cleanup_free_ char *on = NULL;
	struct rootfs rootfs = { 0 };
	int r = plan->below ? dependencies_base(container->dir, &on) : 0;

	if (r < 0)
		return;
	if (on && conf->uts_name && rootfs_path && rootfs_parse(rootfs_path, &rootfs) == 0 && rootfs.upper)
		r = hostname_write_upper(stack, rootfs.upper, conf->uts_name);
	else if (conf->hostname)
		r = hostname_write(stack, conf->hostname);
	else
		r = hostname_write_left(container->dir, stack, !plan->writer);
	if (r < 0)
		log_warn("'%s': cannot write its host name to its /etc/hostname: %s", container->name, strerror(-r));
	rootfs_clear(&rootfs);
}

static int start(const struct container *container, struct conf *conf, const struct process *monitor,
		 const char *rootfs)
{
	_cleanup_close_ int stack = -EBADF, kept = -EBADF;
	struct journal journal;
	struct plan plan = { .dirfd = -EBADF };
	int r, wait_ms;

	r = open_generation(container, monitor, &journal, &kept, &wait_ms);
	if (r == 0 && kept >= 0)
		r = reuse(kept, container->name, rootfs, owner_of(&journal)->keep);
	if (r < 0 || kept >= 0) {
		journal_close(&journal);
		return r;
	}
	/* From here on the lock keeps converters out. */
	conf_clear(conf);
	r = conf_read(container->config, conf) ?: convert_container_at_start(container, conf);
	if (r == 0)
		r = container_plan(container, conf, rootfs, &plan);
	if (r == 0)
		r = linked_clone_check_start(container, &plan);
	if (r == 0 && !plan.at_readonly)
		container_warn_of_hidden(container, &plan);
	if (r == 0)
		r = owner_begin(&journal, &(struct owner){ .name = container->name,
							   .dir = container->dir,
							   .monitor = *monitor,
							   .keep = plan_keeps(&plan),
							   .delta = plan.delta });
	if (r == 0)
		r = stack = build_stack(&plan, &journal, wait_ms);
	if (r >= 0)
		r = plan.at_readonly ? make_readonly(stack) : prepare_pin(stack, container->name);
	if (r >= 0)
		set_hostname(stack, container, conf, &plan, rootfs);
	if (r >= 0)
		r = attachment_make(&journal, stack, plan.at);
	container_plan_close(&plan);
	if (r < 0) {
		/* Close the stack first: the release waits for its images. */
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
	const struct hook_options *options = args->options;
	struct container container;
	struct conf conf = { 0 };
	struct process monitor;
	int r, same;

	r = hook_container(args, "pre-start", &container);
	if (r == 0)
		r = conf_read(container.config, &conf);
	/* A container may include bdev.conf and have no bdev.rootfs: it uses LXC's own rootfs. */
	if (r == 0 && conf.stack.n) {
		r = hook_monitor(args, &monitor);
		/* container_plan() checks the config, but an option lxc-start -s overrides that. */
		same = r == 0 && monitor.pid != 1 ? namespace_is_ours(1) : 0;
		if (same < 0)
			r = log_errno(same, "find out whether the monitor has a mount namespace of its own");
		if (same > 0)
			r = log_refuse(-EINVAL,
				       "'%s': the monitor has no mount namespace of its own: lxc.monitor.unshare "
				       "must be 1",
				       container.name);
		if (r == 0)
			r = start(&container, &conf, &monitor, options->rootfs);
	}
	conf_clear(&conf);
	container_clear(&container);
	return r;
}

const struct verb verb_pre_start =
	HOOK_VERB("pre-start", "build a container's root file system and attach it on the rootfs path", run);
