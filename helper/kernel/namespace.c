/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * namespace - mount namespaces: whether a process is in ours, the stage in
 * which a stack is built on kernels before 6.15, and the copy of the host's
 * that a server lives in.
 */
#include "namespace.h"
#include "mount-table.h"
#include "mount.h"
#include "../base/cleanup.h"
#include "../base/path.h"
#include "../base/running-kernel.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

static bool take_id(const struct mount_entry *entry, void *arg)
{
	*(unsigned int *)arg = entry->id;
	return true;
}

static bool has_id(const struct mount_entry *entry, void *arg)
{
	return entry->id == *(const unsigned int *)arg;
}

/*
 * Test whether the process is in our mount namespace by the id of its root mount, which is in one namespace only. This
 * needs no right to trace the process, but a root of its own (chroot) could hide that mount. Returns 1, 0 or -errno.
 */
static int has_our_root_mount(pid_t pid)
{
	char path[40];
	unsigned int id;
	int r;

	(void)snprintf(path, sizeof(path), "/proc/%d/mountinfo", (int)pid);
	r = mount_table_each(path, take_id, &id);
	if (r <= 0)
		return r ?: -ENODATA;
	return mount_table_each(MOUNT_TABLE_OWN, has_id, &id);
}

int namespace_is_ours(pid_t pid)
{
	char path[40], theirs[64], ours[64];
	ssize_t a, b;

	(void)snprintf(path, sizeof(path), "/proc/%d/ns/mnt", (int)pid);
	a = readlink(path, theirs, sizeof(theirs));
	if (a < 0)
		return errno == EACCES || errno == EPERM ? has_our_root_mount(pid) : -errno;
	b = readlink("/proc/self/ns/mnt", ours, sizeof(ours));
	if (b < 0)
		return -errno;
	return a == b && memcmp(theirs, ours, (size_t)a) == 0;
}

/* Stop mounts of this new namespace from propagating to others. Returns 0 or -errno. */
static int make_slave(void)
{
	_cleanup_close_ int root = -EBADF, cwd = -EBADF, self = -EBADF;

	if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) == 0)
		return 0;
	if (errno != EINVAL)
		return -errno;
	/* Our root is a chroot that is no mount: go to the root of the namespace for a moment, by entering it again. */
	root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	cwd = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	self = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	if (root < 0 || cwd < 0 || self < 0 || setns(self, CLONE_NEWNS) < 0)
		return -errno;
	if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
		return -errno;
	return fchdir(root) < 0 || chroot(".") < 0 || fchdir(cwd) < 0 ? -errno : 0;
}

int namespace_new(void)
{
	return unshare(CLONE_NEWNS) < 0 ? -errno : make_slave();
}

struct mount_points {
	char **paths;
	size_t n;
};

static bool collect(const struct mount_entry *entry, void *arg)
{
	struct mount_points *points = arg;

	*ARRAY_ADD(points->paths, points->n) = xstrdup(entry->target);
	return false;
}

/* Test whether one of the paths is at or below the mount point, and so reached through it. */
static bool leads_to(const char *at, const char *const *paths)
{
	for (; *paths; paths++)
		if (path_below(*paths, at))
			return true;
	return false;
}

int namespace_copy(const char *const *paths)
{
	struct mount_points points = { 0 };
	int r = namespace_new();

	if (r < 0)
		return r;
	(void)mount_table_each(MOUNT_TABLE_OWN, collect, &points);
	/* Detach the outermost mounts first, with all below them: each detached tree costs a wait for the kernel. */
	for (size_t i = 0; i < points.n; i++) {
		if (!leads_to(points.paths[i], paths))
			(void)umount2(points.paths[i], MNT_DETACH | UMOUNT_NOFOLLOW);
		free(points.paths[i]);
	}
	free(points.paths);
	return 0;
}

enum knob stage_knob(void)
{
	const char *knob = getenv("LXC_BDEV_OVERLAY");

	if (knob && strcmp(knob, "mount") == 0)
		return KNOB_MOUNT;
	return knob && strcmp(knob, "string") == 0 ? KNOB_STRING : KNOB_NONE;
}

bool stage_needed(void)
{
	/* clone_private_mount() takes detached mounts since 6.15. */
	return kernel_before(6, 15) || stage_knob() != KNOB_NONE;
}

int stage_enter(struct stage *stage, const char *dir)
{
	int r;

	*stage = (struct stage){
		.dir = dir,
		.host = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC),
		.root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC),
		.cwd = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC),
	};
	if (stage->host < 0 || stage->root < 0 || stage->cwd < 0)
		return -errno;
	r = namespace_new();
	if (r < 0)
		return r;
	return mount("lxc-bdev", dir, "tmpfs", MS_NOSUID | MS_NODEV, NULL) < 0 ? -errno : 0;
}

char *stage_dir(struct stage *stage)
{
	char *path = xasprintf("%s/%u", stage->dir, stage->n++);

	if (mkdir(path, 0700) < 0) {
		free(path);
		return NULL;
	}
	return path;
}

int stage_hold(struct stage *stage, int mount, char **ret_path)
{
	_cleanup_close_ int target = -EBADF;
	_cleanup_free_ char *path = NULL;
	int r;

	if (stage->host < 0)
		return 0;
	path = stage_dir(stage);
	target = path ? open(path, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
	if (target < 0)
		return -errno;
	r = mount_attach(mount, target);
	if (r == 0 && ret_path)
		*ret_path = TAKE_PTR(path);
	return r;
}

int stage_leave(struct stage *stage)
{
	int r = 0;

	/* setns(2) moves root and cwd to those of the namespace: restore ours, which may be a chroot. */
	if (stage->host >= 0 && (setns(stage->host, CLONE_NEWNS) < 0 || fchdir(stage->root) < 0 || chroot(".") < 0 ||
				 fchdir(stage->cwd) < 0))
		r = -errno;
	cleanup_close(&stage->host);
	cleanup_close(&stage->root);
	cleanup_close(&stage->cwd);
	stage->host = -EBADF;
	return r;
}
