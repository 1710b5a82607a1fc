/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * aufs-users - find the aufs that has a directory as a branch.
 *
 * The kernel names branches in /sys/fs/aufs/si_ID/brN alone. Reading that file while another process unmounts the same
 * aufs can crash the kernel, which follows a pointer to a freed super block. So a descriptor of one mount of the aufs,
 * in whatever mount namespace, is held during the read. Listing the directories in /sys/fs/aufs is safe.
 */
#include "aufs-users.h"
#include "../kernel/all-mounts.h"
#include "../kernel/aufs-info.h"
#include "../base/cleanup.h"
#include "../base/text.h"
#include "../record/uses.h"
#include "../kernel/mount.h"
#include "../base/path.h"
#include "../base/process.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>

#define UNKNOWN	    "by an unknown user: "
#define OPEN_PATH   (O_PATH | O_DIRECTORY | O_CLOEXEC)
#define SETTLE_MS   1000 /* for an aufs that is just being mounted or unmounted */
#define POLL_MS	    20
#define PARENTS_MAX 4096

/* A mount of an aufs. */
struct aufs_mount {
	pid_t pid; /* a process in its mount namespace; 0: our namespace */
	char *target;
	dev_t dev;
};

struct search {
	int dir;
	bool writable;
	char *in_mount; /* the directory's path from the root of its mount */
	const char *si; /* the aufs being checked */
	struct aufs_mount *mounts;
	size_t nmounts;
	char *by;
};

static bool take_mount(const struct mount_seen *mount, void *arg)
{
	const struct mount_entry *entry = mount->entry;
	struct search *search = arg;
	const char *si = strcmp(entry->type, "aufs") == 0 ? text_option(entry->options, "si") : NULL;
	const char *wanted = search->si + strlen("si_");
	size_t n = strlen(wanted);

	if (si && strncmp(si, wanted, n) == 0 && (!si[n] || si[n] == ','))
		*ARRAY_ADD(search->mounts, search->nmounts) =
			(struct aufs_mount){ mount->pid, xstrdup(entry->target), entry->dev };
	return false;
}

static void free_mounts(struct search *search)
{
	for (size_t i = 0; i < search->nmounts; i++)
		free(search->mounts[i].target);
	free(search->mounts);
	search->mounts = NULL;
	search->nmounts = 0;
}

/* Open a path in the mount namespace of a process. Returns an fd or -errno. */
static int open_as(pid_t pid, const char *path)
{
	_cleanup_free_ char *name = pid ? xasprintf("/proc/%d/root", (int)pid) : xstrdup("/");
	_cleanup_close_ int root = open(name, OPEN_PATH);

	return root < 0 ? -errno : path_resolve(root, path, OPEN_PATH, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
}

/* Open a mount of the aufs; the path may have led elsewhere, so its device is compared. Returns a descriptor or -errno.
 */
static int open_mount(const struct aufs_mount *mount)
{
	_cleanup_close_ int fd = open_as(mount->pid, mount->target);
	struct stat st;

	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return -errno;
	return st.st_dev == mount->dev && aufs_is(fd) == 1 ? TAKE_FD(fd) : -ENOENT;
}

/*
 * Open one of the mounts, which keeps the aufs alive; *ret_pid is a process in its mount namespace. Returns an fd or
 * -errno.
 */
static int hold(const struct search *search, pid_t *ret_pid)
{
	int r = -ENOENT;

	for (size_t i = 0; i < search->nmounts; i++) {
		int fd = open_mount(&search->mounts[i]);

		if (fd >= 0) {
			*ret_pid = search->mounts[i].pid;
			return fd;
		}
		r = fd == -ENOENT ? r : fd;
	}
	return r;
}

/* Test whether the directory `inner` is `outer` or lies below it. Returns 1, 0 or -errno. */
static int is_inside(int inner, int outer)
{
	_cleanup_close_ int at = fcntl(inner, F_DUPFD_CLOEXEC, 3);
	struct stat wanted, st, above;

	if (at < 0 || fstat(outer, &wanted) < 0 || fstat(at, &st) < 0)
		return -errno;
	for (int i = 0; i < PARENTS_MAX; i++) {
		int parent;

		if (st.st_ino == wanted.st_ino && st.st_dev == wanted.st_dev)
			return 1;
		parent = openat(at, "..", OPEN_PATH);
		if (parent < 0)
			return -errno;
		(void)close(at);
		at = parent;
		if (fstat(at, &above) < 0)
			return -errno;
		if (above.st_ino == st.st_ino && above.st_dev == st.st_dev)
			return 0;
		st = above;
	}
	return -ELOOP;
}

/*
 * Test whether the branch's path, in the process's mount namespace, is the directory, or lies in it or around it.
 * Returns 1, 0, -ENOENT (no such path there) or -errno.
 */
static int leads_near(const struct search *search, pid_t pid, const char *path)
{
	_cleanup_close_ int fd = open_as(pid, path);
	int r = fd < 0 ? fd : is_inside(fd, search->dir);

	if (r == -ENOTDIR)
		r = -ENOENT;
	return r ?: is_inside(search->dir, fd);
}

/* Test whether a running container or a mount of ours records this aufs. Unknown counts as no. */
static bool is_ours(const struct search *search)
{
	const struct claim claim = { .object = CLAIM_AUFS, .mode = CLAIM_READ, .id = search->si };
	_cleanup_free_ char *user = NULL;

	return uses_who(&claim, true, NULL, &user) > 0;
}

/*
 * Test whether a branch may be the directory although its path leads nowhere. A branch on a mount of a mount namespace
 * that has ended has a path from the root of that mount, which cannot be followed, so a directory with the same path on
 * its own mount may be the branch. The branches of our own aufs are known from the journals.
 */
static bool may_be(const struct search *search, const char *path, bool found)
{
	if (is_ours(search))
		return false;
	if (strcmp(path, search->in_mount) == 0)
		return true;
	return !found && (path_below(path, search->in_mount) || path_below(search->in_mount, path));
}

/* Test whether a branch is the directory, lies in it or around it. Returns 1, 0 or -errno. */
static int check_branch(struct search *search, pid_t pid, const char *path)
{
	/* The path "/" is the root of a mount that is in no namespace any more. */
	int here = path[1] ? leads_near(search, 0, path) : -ENOENT,
	    there = path[1] && pid ? leads_near(search, pid, path) : -ENOENT;

	if (here == 1 || there == 1 || may_be(search, path, here == 0 || there == 0)) {
		search->by = xasprintf("as a branch of an aufs ('" AUFS_SYSFS "/%s'); unmount that first", search->si);
		return 1;
	}
	return here < 0 && here != -ENOENT ? here : there < 0 && there != -ENOENT ? there : 0;
}

/* Test all branches of an aufs, one of whose mounts is held. Returns 1, 0 or -errno. */
static int check_branches(struct search *search, int sysfs, pid_t pid)
{
	_cleanup_close_ int si = openat(sysfs, search->si, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (si < 0)
		return -errno;
	for (size_t i = 0;; i++) {
		_cleanup_free_ char *path = NULL, *permission = NULL;
		int r = aufs_read_branch(si, i, &path, &permission);

		if (r <= 0)
			return r;
		if (search->writable && strncmp(permission, "rw", 2) != 0)
			continue;
		r = check_branch(search, pid, path);
		if (r)
			return r;
	}
}

/* Test one aufs, which may be mounted or unmounted concurrently. Returns 1, 0 or -errno. */
static int check_aufs(struct search *search, int sysfs)
{
	long long until = process_clock() + SETTLE_MS;
	int r;

	for (;;) {
		_cleanup_close_ int held = -EBADF;
		pid_t pid = 0;

		(void)mounts_each(true, take_mount, search);
		held = hold(search, &pid);
		free_mounts(search);
		r = held < 0 ? held : check_branches(search, sysfs, pid);
		if (r >= 0 || (faccessat(sysfs, search->si, F_OK, 0) < 0 && errno == ENOENT))
			return r < 0 ? 0 : r;
		/* No mount of it is visible, but its branches are in the journals. */
		if (held < 0 && is_ours(search))
			return 0;
		if (process_clock() >= until)
			break;
		process_sleep(POLL_MS);
	}
	search->by = xasprintf(UNKNOWN "the branches of the aufs '" AUFS_SYSFS "/%s' cannot be read: %s", search->si,
			       r == -ENOENT ? "none of its mounts can be opened" : strerror(-r));
	return r;
}

/* Test each aufs of the kernel. Returns 1, 0 or -errno. */
static int check_all(struct search *search)
{
	DIR *all = opendir(AUFS_SYSFS);
	struct dirent *entry;
	int r = 0;

	if (!all && errno == ENOENT)
		return 0; /* the directory exists while the module is loaded */
	while (all && r == 0 && (errno = 0, entry = readdir(all))) {
		search->si = entry->d_name;
		if (strncmp(entry->d_name, "si_", strlen("si_")) == 0)
			r = check_aufs(search, dirfd(all));
		errno = 0;
	}
	if (!all || (r == 0 && !entry && errno)) {
		r = -errno;
		search->by = xasprintf(UNKNOWN "read '" AUFS_SYSFS "': %s", strerror(errno));
	}
	if (all)
		(void)closedir(all);
	return r;
}

int aufs_uses(int dir, bool writable, char **ret_by)
{
	_cleanup_free_ char *at = NULL, *options = NULL, *path = path_of(dir), *in_mount = NULL;
	struct search search = { .dir = dir, .writable = writable };
	int r;

	*ret_by = NULL;
	if (access(AUFS_SYSFS, F_OK) < 0 && errno == ENOENT)
		return 0;
	r = mount_describe(dir, &at, &options);
	if (r < 0) {
		*ret_by = xasprintf(UNKNOWN "its mount cannot be found: %s", strerror(-r));
		return r;
	}
	in_mount = xasprintf("/%s", path_below(path, at) ?: "");
	search.in_mount = in_mount;
	r = check_all(&search);
	*ret_by = search.by;
	return r;
}

bool aufs_in_use(int dir)
{
	_cleanup_free_ char *by = NULL;

	return aufs_uses(dir, true, &by) != 0;
}
