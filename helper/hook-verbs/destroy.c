/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * destroy - refuse while anything is mounted below the container's directory.
 *
 * lxc-destroy deletes what it finds, which below the mount of an image is the image's content. This hook deletes
 * nothing itself: after a failed clone LXC runs the new container's destroy hook with the source's paths.
 */
#include "../record/owner.h"
#include "../record/uses.h"
#include "../config/rootfs-path.h"
#include "../config/dependencies.h"
#include "../kernel/mount.h"
#include "../container/clone-source.h"
#include "../record/release.h"
#include "../container/snapshots.h"
#include "hook.h"

#define MONITOR_WAIT_MS 10000
#define RELEASE_POLL_MS 20

/*
 * Wait for the post-stop of a container that LXC already shows as stopped, then clear the leftovers of a dead monitor.
 * This waits for the release and not for the end of the monitor, which may wait for a lock of our caller. Returns 0 or
 * -errno (logged).
 */
static int finish(const struct container *container)
{
	long long until = process_clock() + MONITOR_WAIT_MS;

	for (;;) {
		struct journal journal;
		struct process monitor;
		int r = journal_open_container(container, false, &journal);

		if (r < 0)
			return r == -ENOENT ? 0 : r;
		monitor = owner_of(&journal)->monitor;
		r = owner_runs(owner_of(&journal));
		if (r == 0)
			return release(&journal);
		journal_close(&journal);
		if (r < 0)
			return log_errno(r, "'%s': find out whether its monitor (pid %d) runs", container->name,
					 (int)monitor.pid);
		if (process_clock() >= until)
			return log_refuse(-EBUSY, "'%s': its monitor (pid %d) still runs", container->name,
					  (int)monitor.pid);
		(void)process_wait(&monitor, RELEASE_POLL_MS);
	}
}

/* Check that nothing is mounted in a directory that lxc-destroy empties. Returns 0 or -errno (logged). */
static int check_mounts(const char *name, const char *dir)
{
	_cleanup_free_ char *mounted = NULL;
	int r = mount_find_below(dir, &mounted);

	if (r < 0)
		return log_errno(r, "cannot destroy '%s': find the mounts below '%s'", name, dir);
	if (r == 0)
		return 0;
	return log_refuse(-EBUSY,
			  "cannot destroy '%s': '%s' is mounted, and lxc-destroy would delete its content; unmount it "
			  "first",
			  name, mounted);
}

/*
 * Check the rootfs path, which may lie elsewhere: LXC deletes it too, so it must not contain a shared source of the
 * stack. Returns 0 or -errno (logged).
 */
static int check_rootfs(const struct container *container, const char *path)
{
	_cleanup_free_ char *real = NULL, *shared = NULL;
	struct rootfs rootfs = { 0 };
	struct conf conf;
	int r = conf_read(container->config, &conf);

	/* An invalid config is no reason to keep an unfinished container: use the lines before the error. */
	if (r < 0 && !conf_is_wrong(r)) {
		conf_clear(&conf);
		return r;
	}
	r = rootfs_parse(path, &rootfs);
	if (r == 0)
		r = rootfs_shared(&rootfs, &conf.stack, &shared);
	if (r == 0) {
		real = realpath(rootfs.path, NULL);
		if (!real && errno != ENOENT && errno != ENOTDIR)
			r = log_errno(-errno, "look up '%s'", rootfs.path);
	}
	if (shared)
		r = log_refuse(-EINVAL,
			       "cannot destroy '%s': lxc-destroy would delete '%s' of bdev.rootfs with lxc.rootfs.path "
			       "'%s'; name an empty directory there",
			       container->name, shared, rootfs.path);
	else if (real)
		r = check_mounts(container->name, real);
	rootfs_clear(&rootfs);
	conf_clear(&conf);
	return r;
}

/*
 * Refuse to destroy the base of linked clones. LXC does so itself, except in lxc-copy -R, which destroys the source.
 * Returns 0 or -errno (logged).
 */
static int check_clones(const struct container *container)
{
	_cleanup_free_ char *clones = NULL, *shown = NULL;
	int r = dependencies_clones(container->dir, NULL, &clones);

	if (r < 0)
		return r;
	(void)uses_container(container->dir, CLAIM_VIEW, NULL, &shown);
	if (clones)
		return log_refuse(-EBUSY, "cannot destroy '%s': it has linked clones: %s; destroy them first",
				  container->name, clones);
	return shown ? log_refuse(-EBUSY, "cannot destroy '%s': %s runs and depends on it; stop that first",
				  container->name, shown)
		     : 0;
}

/*
 * Check that the snapshots can be restored: LXC refuses to destroy a container with snapshots, except to restore one of
 * them. Returns 0 or -errno (logged).
 */
static int check_snapshots(const struct container *container)
{
	_cleanup_free_ char *only = NULL;
	int r = clone_source_restored(&only);

	return r < 0 ? r : snapshots_check(container, only);
}

static int run(const struct args *args)
{
	const struct hook_options *options = args->options;
	struct container container;
	int r;

	r = hook_container(args, "destroy", &container);
	if (r == 0)
		r = finish(&container);
	if (r == 0)
		r = check_snapshots(&container);
	if (r == 0)
		r = check_clones(&container);
	if (r == 0)
		r = check_mounts(container.name, container.dir);
	/* LXC passes no rootfs for a failed clone. */
	if (r == 0 && options->rootfs)
		r = check_rootfs(&container, options->rootfs);
	container_clear(&container);
	return r;
}

const struct verb verb_destroy =
	HOOK_VERB("destroy", "refuse while the container has mounts in its directory, or linked clones", run);
