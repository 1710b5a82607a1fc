/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * destroy - refuse while anything is mounted below the container's directory.
 *
 * lxc-destroy deletes what it finds, and where an image is mounted that is the
 * image's contents. This deletes nothing itself: after a failed clone LXC runs
 * the new container's destroy hook with the source's paths.
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
 * LXC calls a container stopped before its post-stop has run: let that finish, then clear what a dead one left. Wait
 * for the release and not for the monitor's end: it may be waiting for the lock that our caller holds.
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

/* lxc-destroy empties this directory. 0, or -EBUSY (logged). */
static int check_mounts(const char *name, const char *dir)
{
	_cleanup_free_ char *mounted = NULL;
	int r = mount_find_below(dir, &mounted);

	if (r < 0)
		return log_errno(r, "'%s': not destroyed: find the mounts below '%s'", name, dir);
	if (r == 0)
		return 0;
	return log_refuse(-EBUSY,
			  "'%s': not destroyed: '%s' is mounted, and lxc-destroy would delete what is in it; umount it "
			  "first",
			  name, mounted);
}

/* The rootfs path, which may lie elsewhere: LXC deletes it too, and all that is shared must stay. */
static int check_rootfs(const struct container *container, const char *path)
{
	_cleanup_free_ char *real = NULL, *shared = NULL;
	struct rootfs rootfs = { 0 };
	struct conf conf;
	int r = conf_read(container->config, &conf);

	/* A config that is wrong is no reason to keep what is half made: take the lines before the error. */
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
			       "'%s': not destroyed: lxc-destroy would delete '%s' of bdev.rootfs with lxc.rootfs.path "
			       "'%s'; give that an empty directory",
			       container->name, shared, rootfs.path);
	else if (real)
		r = check_mounts(container->name, real);
	rootfs_clear(&rootfs);
	conf_clear(&conf);
	return r;
}

/* LXC refuses by itself, save in lxc-copy -R, which destroys what it has cloned. 0 or -EBUSY (logged). */
static int check_clones(const struct container *container)
{
	_cleanup_free_ char *clones = NULL, *shown = NULL;
	int r = depends_dependents(container->dir, NULL, &clones);

	if (r < 0)
		return r;
	(void)uses_container(container->dir, CLAIM_VIEW, NULL, &shown);
	if (clones)
		return log_refuse(-EBUSY, "cannot destroy '%s': it has linked clones: %s; destroy them first",
				  container->name, clones);
	return shown ? log_refuse(-EBUSY, "'%s': not destroyed: %s stands on it, and runs", container->name, shown) : 0;
}

/* LXC refuses to destroy a container with snapshots, save to restore one of them. 0 or -errno (logged). */
static int check_snapshots(const struct container *container)
{
	_cleanup_free_ char *only = NULL;
	int r = origin_restored(&only);

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
	/* LXC names none for a failed clone. */
	if (r == 0 && options->rootfs)
		r = check_rootfs(&container, options->rootfs);
	container_clear(&container);
	return r;
}

const struct verb verb_destroy =
	HOOK_VERB("destroy", "refuse while the container has mounts in its directory, or linked clones", run);
