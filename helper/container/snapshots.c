/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * snapshots - LXC's snapshots of a container, which are containers themselves.
 *
 * LXC keeps them in CONTAINER/snaps/NAME, or in LXCPATHsnaps/CONTAINER/NAME where LXCPATHsnaps exists
 * (get_snappath_dir() in its lxccontainer.c). When a snapshot is whole, LXC writes the time into its file `ts`
 * (do_lxcapi_snapshot() there).
 *
 * A restore destroys the container first and copies the snapshot then. So the destroy hook must refuse whatever the
 * clone hook would refuse.
 */
#include "snapshots.h"
#include "../record/owner.h"
#include "../base/cleanup.h"
#include "../stack/clone.h"
#include "copyable.h"
#include "../base/log.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

char *snapshots_dir(const char *dir, bool old)
{
	const char *slash = strrchr(dir, '/');

	return old ? xasprintf("%.*ssnaps%s", (int)(slash - dir), dir, slash) : xasprintf("%s/snaps", dir);
}

bool snapshots_is_one(const char *dir)
{
	static const char snaps[] = "snaps";
	const size_t n = sizeof(snaps) - 1;
	const char *name = strrchr(dir, '/'), *above = name ? memrchr(dir, '/', (size_t)(name - dir)) : NULL;

	if (!above)
		return false;
	return ((size_t)(name - above) == n + 1 && strncmp(above + 1, snaps, n) == 0) ||
	       ((size_t)(above - dir) > n && strncmp(above - n, snaps, n) == 0);
}

/* Refuse a snapshot that LXC or our clone hook did not finish. Returns 0 or -errno (logged). */
static int check_finished(const struct container *container, const char *dir)
{
	_cleanup_free_ char *ts = xasprintf("%s/ts", dir);
	int r = container_is_marked(dir);
	struct stat st;

	if (r == 0 && lstat(ts, &st) < 0)
		r = errno == ENOENT ? 1 : -errno;
	if (r < 0)
		return log_errno(r, "cannot destroy '%s': look whether its snapshot '%s' is finished", container->name,
				 dir);
	return r > 0 ? log_refuse(-EINVAL,
				  "cannot destroy '%s': its snapshot '%s' is unfinished, or is being made just now; "
				  "to remove that one: lxc-snapshot -n %s -d %s",
				  container->name, dir, container->name, strrchr(dir, '/') + 1)
		     : 0;
}

/* Refuse a snapshot that runs as a container: LXC does not copy it then. Returns 0 or -errno (logged). */
static int check_stopped(const struct container *snapshot)
{
	struct journal journal;
	int r = journal_open_container(snapshot, false, &journal);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	if (owner_runs(owner_of(&journal)))
		r = log_refuse(-EBUSY, "snapshot '%s' runs as a container and cannot be restored; stop it first",
			       snapshot->dir);
	journal_close(&journal);
	return r;
}

/* Refuse a snapshot that cannot be copied to the container's directory. Returns 0 or -errno (logged). */
static int check_copy(const struct container *container, const char *dir)
{
	_cleanup_free_ char *config = xasprintf("%s/config", dir);
	struct container snapshot = { 0 };
	struct conf conf = { 0 };
	int r = container_from_config(strrchr(dir, '/') + 1, config, &snapshot);

	if (r == 0)
		r = conf_read(config, &conf);
	if (r == 0 && conf.stack.n)
		r = check_stopped(&snapshot) ?: copyable_now(&snapshot)
			    ?: copyable_apart(&snapshot, &conf.stack, container->name)
			    ?: clone_stack_check(&conf.stack, snapshot.dir, container->dir);
	conf_clear(&conf);
	container_clear(&snapshot);
	return r;
}

/* Check every snapshot in the directory. Returns 0 or -errno (logged). */
static int check_all(const struct container *container, const char *snaps, const char *only)
{
	_cleanup_free_ char *path = NULL;
	DIR *dir = opendir(snaps);
	struct dirent *entry;
	struct stat st;
	int r = 0;

	if (!dir)
		return errno == ENOENT || errno == ENOTDIR ? 0 : log_errno(-errno, "read '%s'", snaps);
	while (r == 0 && (errno = 0, entry = readdir(dir))) {
		path = (free(path), xasprintf("%s/%s", snaps, entry->d_name));
		if (*entry->d_name == '.' || (lstat(path, &st) == 0 && !S_ISDIR(st.st_mode)))
			continue;
		r = check_finished(container, path);
		if (r == 0 && (!only || strcmp(only, entry->d_name) == 0))
			r = check_copy(container, path);
	}
	if (r == 0 && !entry && errno)
		r = log_errno(-errno, "read '%s'", snaps);
	(void)closedir(dir);
	return r;
}

int snapshots_check(const struct container *container, const char *only)
{
	_cleanup_free_ char *called = container_called(container), *usual = snapshots_dir(container->dir, false),
			    *old = snapshots_dir(called, true);

	return check_all(container, usual, only) ?: check_all(container, old, only);
}
