/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * all-mounts - the mounts of the whole host.
 *
 * A mount in another mount namespace does not make a rename of its mount point
 * fail, and a rmdir detaches it. So the namespace of every process is read,
 * each once.
 */
#include "all-mounts.h"
#include "../base/cleanup.h"
#include "../base/as-user.h"
#include "namespace.h"
#include "../base/path.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/nsfs.h>
#include <linux/openat2.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

struct look {
	pid_t pid;
	bool foreign;
	mount_seen_fn *found;
	void *arg;
};

static bool see(const struct mount_entry *entry, void *arg)
{
	const struct look *look = arg;
	const struct mount_seen mount = { .pid = look->pid, .foreign = look->foreign, .entry = entry };

	return look->found(&mount, look->arg);
}

/* Test whether the process has ended, so that an errno says nothing of its namespace. */
static bool has_ended(const char *pid)
{
	char path[sizeof("/proc/") + NAME_MAX];

	(void)snprintf(path, sizeof(path), "/proc/%s", pid);
	return access(path, F_OK) < 0 && errno == ENOENT;
}

/* Test whether the process's mount namespace belongs to another user namespace than ours; false if that is unknown. */
static bool is_foreign(const char *pid)
{
	char path[sizeof("/proc//ns/mnt") + NAME_MAX];
	_cleanup_close_ int ns = -EBADF, user = -EBADF;
	struct stat own, other;

	(void)snprintf(path, sizeof(path), "/proc/%s/ns/mnt", pid);
	ns = open(path, O_RDONLY | O_CLOEXEC);
	user = ns < 0 ? -1 : ioctl(ns, NS_GET_USERNS);
	return user >= 0 && fstat(user, &other) == 0 && stat("/proc/self/ns/user", &own) == 0 &&
	       (own.st_ino != other.st_ino || own.st_dev != other.st_dev);
}

/* Call found() with each mount that a process sees. Returns 1 (found() returned true), 0 or -errno. */
static int look_through(const char *pid, mount_seen_fn *found, void *arg)
{
	char path[sizeof("/proc//mountinfo") + NAME_MAX];
	bool self = strcmp(pid, "self") == 0;
	struct look look = { .found = found, .arg = arg };
	int r;

	if (!self) {
		look.pid = (pid_t)strtol(pid, NULL, 10);
		look.foreign = is_foreign(pid);
	}
	(void)snprintf(path, sizeof(path), "/proc/%s/mountinfo", pid);
	r = mount_table_each(path, see, &look);
	/* A zombie has no namespace any longer: EINVAL. */
	return r < 0 && !self && (r == -ENOENT || r == -ESRCH || r == -EINVAL || has_ended(pid)) ? 0 : r;
}

/* Read the number of the process's mount namespace. Returns 1; 0: the process has ended, or ends; -EACCES: that may not
 * be read; or -errno. */
static int namespace_of(const char *pid, unsigned long long *ret)
{
	char path[sizeof("/proc//ns/mnt") + NAME_MAX];
	struct stat st;
	int r;

	(void)snprintf(path, sizeof(path), "/proc/%s/ns/mnt", pid);
	if (stat(path, &st) == 0) {
		*ret = st.st_ino;
		return 1;
	}
	r = errno == EPERM ? -EACCES : -errno;
	return r == -ENOENT || r == -ESRCH || has_ended(pid) ? 0 : r;
}

/* The namespaces that were read. */
struct seen {
	unsigned long long *namespaces;
	size_t n;
};

/* Test whether the process's mount namespace was not read yet, and add it to those that were. Returns 1, 0 or -errno.
 */
static int is_new(const char *pid, struct seen *seen)
{
	unsigned long long ns = 0;
	int r = namespace_of(pid, &ns);

	/* Without the right to trace a process, its mounts can be read, but not the number of its namespace. */
	if (r == -EACCES) {
		r = namespace_is_ours((pid_t)strtol(pid, NULL, 10));
		return r < 0 ? (has_ended(pid) ? 0 : r) : !r;
	}
	if (r <= 0)
		return r;
	for (size_t i = 0; i < seen->n; i++)
		if (seen->namespaces[i] == ns)
			return 0;
	*ARRAY_ADD(seen->namespaces, seen->n) = ns;
	return 1;
}

/* Call found() with each mount in other namespaces. Returns 1 (found() returned true), 0 or -errno. */
static int look_through_others(mount_seen_fn *found, void *arg)
{
	DIR *proc = opendir("/proc");
	struct seen seen = { 0 };
	struct dirent *entry;
	int r;

	if (!proc)
		return -errno;
	/* Ours was read first. */
	r = is_new("self", &seen);
	r = r < 0 ? r : 0;
	while (r == 0 && (errno = 0, entry = readdir(proc))) {
		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		r = is_new(entry->d_name, &seen);
		if (r > 0)
			r = look_through(entry->d_name, found, arg);
	}
	if (r == 0)
		r = -errno;
	(void)closedir(proc);
	free(seen.namespaces);
	return r;
}

int mounts_each(bool all, mount_seen_fn *found, void *arg)
{
	int r = look_through("self", found, arg);

	return r == 0 && all ? look_through_others(found, arg) : r;
}

bool mount_leads_to(const struct mount_seen *mount, const char *path, const struct stat *inode)
{
	_cleanup_close_ int root = -EBADF, fd = -EBADF;
	char name[40] = "/";
	struct stat st;

	if (mount->pid)
		(void)snprintf(name, sizeof(name), "/proc/%d/root", (int)mount->pid);
	root = open(name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root >= 0 && mount->foreign)
		return foreign_leads_to(mount->pid, root, path, inode) != 0;
	if (root >= 0)
		fd = path_resolve(root, path, O_PATH, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
	if (fd < 0 || fstat(fd, &st) < 0)
		return !mount->foreign || errno == EMFILE || errno == ENFILE || errno == ENOMEM;
	return st.st_dev == inode->st_dev && st.st_ino == inode->st_ino;
}
