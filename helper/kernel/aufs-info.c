/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * aufs-info - the limits of this kernel's aufs, and the branches of its mounts.
 */
#include "aufs-info.h"
#include "../base/cleanup.h"
#include "../base/running-kernel.h"
#include "../base/text.h"
#include "../base/path.h"
#include "../base/process.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/vfs.h>

#define BRANCHES_MAX 32767 /* the largest that a kernel can be configured for */
#define BUSY_MS	     1000

bool aufs_is_loaded(void)
{
	return text_has("/proc/filesystems", "\taufs\n") != 0;
}

const char *aufs_impossible(void)
{
	/* mount(2) loads the module. */
	if (aufs_is_loaded() || kernel_has_module("aufs"))
		return NULL;
	return "this kernel has no aufs; boot one that has it, or make the delta an overlay's "
	       "(lxc-bdev convert -n NAME overlay, or bdev.aufs = convert)";
}

size_t aufs_branches_max(void)
{
	static const unsigned int choices[] = { 127, 511, 1023 };
	_cleanup_free_ char *config = NULL;
	struct utsname name;

	if (uname(&name) < 0)
		return BRANCHES_MAX;
	config = xasprintf("/boot/config-%s", name.release);
	for (size_t i = 0; i < ARRAY_SIZE(choices); i++) {
		_cleanup_free_ char *option = xasprintf("CONFIG_AUFS_BRANCH_MAX_%u=y\n", choices[i]);

		if (text_has(config, option) > 0)
			return choices[i];
	}
	return BRANCHES_MAX;
}

const char *aufs_bad_filesystem(int fd)
{
	static const struct {
		unsigned int magic;
		const char *name;
	} bad[] = {
		{ OVERLAYFS_SUPER_MAGIC, "overlay" },
		{ AUFS_SUPER_MAGIC, "aufs" },
		{ ECRYPTFS_SUPER_MAGIC, "ecryptfs" },
		{ PROC_SUPER_MAGIC, "proc" },
		{ SYSFS_MAGIC, "sysfs" },
		{ DEBUGFS_MAGIC, "debugfs" },
		{ SECURITYFS_MAGIC, "securityfs" },
		{ 0x62656570, "configfs" },
	};
	struct statfs st;

	for (size_t i = 0; fstatfs(fd, &st) == 0 && i < ARRAY_SIZE(bad); i++)
		if ((unsigned int)st.f_type == bad[i].magic)
			return bad[i].name;
	return NULL;
}

const char *aufs_bad_path(const char *path)
{
	/* The first call has "br=", "=rw" and the options beside the upper; each lower has "append:" and "=ro+wh". */
	static const size_t beside = sizeof("append:=" AUFS_LOWER ",dio,acl,xino=,dirperm1") + 32;

	if (strlen(path) + beside > AUFS_DATA_MAX)
		return "its path is too long for one mount(2)";
	return !*path ? "its path cannot be found"
	       : strpbrk(path, ":,=\n")
		       ? "its path has ':', ',', '=' or a newline in it, for which aufs has no escape; rename it or bind it elsewhere"
		       : NULL;
}

int aufs_is(int fd)
{
	struct statfs st;

	return fstatfs(fd, &st) < 0 ? -errno : st.f_type == AUFS_SUPER_MAGIC;
}

const char *aufs_permission(const struct branches *branches, size_t i)
{
	return i == 0 && branches->writable ? "rw" : AUFS_LOWER;
}

/* Read "PATH=PERMISSION" of a branch, without waiting. Returns 1, 0 (there is no such branch) or -errno. */
static int read_once(int si, size_t i, char **ret_path, char **ret_permission)
{
	_cleanup_free_ char *name = xasprintf("br%zu", i), *text = xcalloc(2, AUFS_DATA_MAX);
	_cleanup_close_ int fd = openat(si, name, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, 2UL * AUFS_DATA_MAX - 1);
	char *equals;

	if (n < 0)
		return fd < 0 && errno == ENOENT ? 0 : -errno;
	equals = strrchr(text, '=');
	if (!equals)
		return -EIO;
	equals[strcspn(equals, "\n")] = '\0';
	*equals = '\0';
	*ret_permission = xstrdup(equals + 1);
	*ret_path = xstrdup(text_unescape(text));
	return 1;
}

int aufs_read_branch(int si, size_t i, char **ret_path, char **ret_permission)
{
	long long until = process_clock() + BUSY_MS;
	int r;

	/* EBUSY: a process writes to the aufs or remounts it. */
	while ((r = read_once(si, i, ret_path, ret_permission)) == -EBUSY && process_clock() < until)
		process_sleep(2);
	return r;
}

char *aufs_compare(int dir, const struct branches *branches)
{
	for (size_t i = 0; i <= branches->n; i++) {
		_cleanup_free_ char *path = NULL, *has = NULL, *wanted = NULL;
		int r = aufs_read_branch(dir, i, &path, &has);

		if (r < 0)
			return xasprintf("its branch %zu cannot be read: %s", i, strerror(-r));
		if (i == branches->n)
			return r ? xasprintf("it has a branch too many, '%s'", path) : NULL;
		wanted = path_of(branches->fds[i]);
		if (!r || !path)
			return xasprintf("it has %zu of %zu branches: not '%s'", i, branches->n, wanted);
		if (strcmp(path, wanted) != 0)
			return xasprintf("its branch %zu is '%s', not '%s'", i, path, wanted);
		if (strcmp(has, aufs_permission(branches, i)) != 0)
			return xasprintf("its branch '%s' is %s, not %s", path, has, aufs_permission(branches, i));
	}
	return NULL;
}
