/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * aufs - the kernel's side of an aufs.
 *
 * aufs takes branches by mount(2) as paths without escapes. So it is mounted in
 * the stage and from the stage's directory, where a branch of the stack has a
 * short path such as "3". One call takes a page of text and a page of parsed
 * options; no kernel checks the latter, and one option too many overwrites its
 * memory. So all branches that may not fit are appended, one a call.
 *
 * The kernel ignores unknown words in a permission, and all but one branch in an
 * append, and reports success: its branches are compared afterwards.
 * aufs accepts a writable branch that another mount writes to.
 */
#include "aufs.h"
#include "aufs-info.h"
#include "../base/cleanup.h"
#include "../base/text.h"
#include "../base/log.h"
#include "../base/path.h"
#include "../base/process.h"
#include "../base/run-dir.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>

#define CACHE	    ".aufs-dirperm1"
#define OPTIONS_MAX 64 /* in one mount(2), where each branch counts; the 85th overwrites memory */

/* Make a branch's path for the kernel: one in the stage is relative to it, the current directory. */
static char *name_of(int fd)
{
	_cleanup_close_ int cwd = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	_cleanup_free_ char *path = path_of(fd), *here = path_of(cwd);
	const char *rest = path_below(path, here);

	return rest && *rest ? xstrdup(rest) : TAKE_PTR(path);
}

static unsigned long flags_of(const struct branches *branches)
{
	return branches->writable ? 0 : MS_RDONLY;
}

/* --- dirperm1: tried once a boot with a mount of one branch --- */

/* 1, 0 or, when the mount fails, -errno. */
static int try_dirperm1(const char *branch, const char *target, const char *option)
{
	_cleanup_free_ char *options = xasprintf("br=%s=ro,noxino%s", branch, option);
	_cleanup_close_ int fd = -EBADF;
	bool is;

	if (mount("lxc-bdev", target, "aufs", MS_RDONLY, options) < 0)
		return -errno;
	fd = open(target, O_PATH | O_DIRECTORY | O_CLOEXEC);
	is = fd >= 0 && aufs_is(fd) == 1;
	cleanup_close(&fd);
	fd = -EBADF;
	(void)umount2(target, UMOUNT_NOFOLLOW);
	return is;
}

/* Write the answer as a whole: two processes may do so at the same time. */
static void remember_dirperm1(bool has)
{
	_cleanup_free_ char *text = xasprintf("%s %d\n", process_boot_id(), has);
	_cleanup_close_ int fd =
		open(RUN_DIR "/" CACHE ".new", O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text))
		(void)rename(RUN_DIR "/" CACHE ".new", RUN_DIR "/" CACHE);
}

/* Read the answer. Returns 1, 0, or -ENOENT: it was not tried in this boot. */
static int recall_dirperm1(void)
{
	_cleanup_close_ int fd = open(RUN_DIR "/" CACHE, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	_cleanup_free_ char *yes = xasprintf("%s 1\n", process_boot_id()), *no = xasprintf("%s 0\n", process_boot_id());
	char text[64] = "";
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	return n <= 0 ? -ENOENT : strcmp(text, yes) == 0 ? 1 : strcmp(text, no) == 0 ? 0 : -ENOENT;
}

static bool has_dirperm1(struct stage *stage)
{
	int r = recall_dirperm1();
	_cleanup_free_ char *branch = r < 0 ? stage_dir(stage) : NULL, *target = r < 0 ? stage_dir(stage) : NULL;

	if (r >= 0 || !branch || !target)
		return r == 1;
	r = try_dirperm1(strrchr(branch, '/') + 1, target, ",dirperm1");
	/* The option is to blame only if the mount succeeds without it. */
	if (r == 1 || (r == -EINVAL && try_dirperm1(strrchr(branch, '/') + 1, target, "") == 1))
		remember_dirperm1(r == 1);
	return r == 1;
}

/* --- the mount --- */

/* Make the *ret_n options behind the branches. Returns the text, for the caller to free. */
static char *other_options(const struct aufs_options *options, struct stage *stage, size_t *ret_n)
{
	bool dirperm1 = options->dirperm1 == DIRPERM1_ON || (options->dirperm1 == DIRPERM1_AUTO && has_dirperm1(stage));
	const char *end = dirperm1 ? ",dirperm1" : "";

	*ret_n = dirperm1 ? 4 : 3;
	/* Without acl, POSIX ACLs of the branches are hidden. */
	if (options->xino && strcmp(options->xino, "off") == 0)
		return xasprintf(",dio,acl,noxino%s", end);
	if (options->xino)
		return xasprintf(",dio,acl,xino=%s%s", options->xino, end);
	/* The kernel unlinks the file at once; it stays on the stage's tmpfs as long as the mount. */
	return xasprintf(",dio,acl,xino=xino.%u%s", stage->n++, end);
}

/* Make the options of the first call, with *ret_n branches. Returns the text, for the caller to free. */
static char *first_options(const struct branches *branches, const char *others, size_t nothers, char *const *names,
			   size_t *ret_n)
{
	size_t n = 1, length;
	_cleanup_free_ char *text = NULL;
	char *end;

	length = strlen("br==") + strlen(names[0]) + strlen(aufs_permission(branches, 0)) + strlen(others);
	while (n < branches->n && n + nothers < OPTIONS_MAX &&
	       length + strlen(":=" AUFS_LOWER) + strlen(names[n]) <= AUFS_DATA_MAX)
		length += strlen(":=" AUFS_LOWER) + strlen(names[n++]);
	text = xcalloc(length + 1, 1);
	end = stpcpy(text, "br");
	for (size_t i = 0; i < n; i++) {
		end = stpcpy(stpcpy(end, i ? ":" : "="), names[i]);
		end = stpcpy(stpcpy(end, "="), aufs_permission(branches, i));
	}
	(void)stpcpy(end, others);
	*ret_n = n;
	return TAKE_PTR(text);
}

/* Explain an errno of aufs's. Returns a text, that of strerror(3) where it does not mislead. */
static const char *reason(int r)
{
	switch (r) {
	case -ENOSPC:
		return "that is more branches than this kernel's aufs takes (CONFIG_AUFS_BRANCH_MAX_*); "
		       "merge some lowers into one";
	case -EINVAL:
		return "Invalid argument; a branch is the same as another or inside it, on a file system that aufs "
		       "does not take, or an option is unknown: the kernel's log (dmesg) says which";
	case -E2BIG:
		return "this kernel takes fewer options at a time";
	case -ENODEV:
		return "this kernel has no aufs";
	default:
		return strerror(-r);
	}
}

/* Mount the aufs on target with all its branches; after a failure nothing is mounted. Returns 0 or -errno (logged). */
static int mount_all(const struct branches *branches, const char *others, size_t nothers, char *const *names,
		     const char *target, const char *where)
{
	size_t n;
	_cleanup_free_ char *options = first_options(branches, others, nothers, names, &n);
	size_t upper = branches->n - branches->nlowers;
	int r;

	if (strlen(options) > AUFS_DATA_MAX)
		return log_refuse(-E2BIG, "%s: mount aufs: '%s' and the options do not fit into one mount(2)", where,
				  names[0]);
	if (mount("lxc-bdev", target, "aufs", flags_of(branches), options) < 0) {
		r = -errno;
		return log_refuse(r, "%s: mount aufs: %s", where, reason(r));
	}
	for (; n < branches->n; n++) {
		_cleanup_free_ char *append = xasprintf("append:%s=" AUFS_LOWER, names[n]);

		if (mount("lxc-bdev", target, "aufs", MS_REMOUNT | flags_of(branches), append) == 0)
			continue;
		r = -errno;
		(void)umount2(target, UMOUNT_NOFOLLOW);
		return log_refuse(r, "%s: append lower %zu of %zu, '%s', to the aufs: %s", where, n - upper + 1,
				  branches->nlowers, names[n], reason(r));
	}
	return 0;
}

/* Check that the kernel did as asked. Returns NULL, or what is wrong, for the caller to free. */
static char *verify(int fd, const struct branches *branches, char **ret_si)
{
	_cleanup_free_ char *at = NULL, *options = NULL, *path = NULL;
	_cleanup_close_ int dir = -EBADF;
	const char *si;

	if (aufs_is(fd) != 1)
		return xstrdup("it is no aufs");
	si = mount_describe(fd, &at, &options) < 0 ? NULL : text_option(options, "si");
	if (!si)
		return xstrdup("it has no si= in /proc/self/mountinfo");
	*ret_si = xasprintf("si_%.*s", (int)strcspn(si, ","), si);
	path = xasprintf(AUFS_SYSFS "/%s", *ret_si);
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return xasprintf("its branches cannot be seen: open '%s': %s", path, strerror(errno));
	if (mount_is_readonly(fd) != !branches->writable)
		return xasprintf("it is %s", branches->writable ? "read-only" : "writable");
	return aufs_compare(dir, branches);
}

/* Mount the aufs while the stage's directory is the current one. Returns 0 or -errno (logged). */
static int mount_here(const struct branches *branches, const struct aufs_options *options, struct stage *stage,
		      const char *target, const char *where)
{
	size_t nothers;
	_cleanup_free_ char *others = other_options(options, stage, &nothers);
	char **names = xcalloc(branches->n, sizeof(*names));
	int r = 0;

	for (size_t i = 0; i < branches->n; i++) {
		names[i] = name_of(branches->fds[i]);
		/* The plan checked it, but a directory may have been renamed since, and a comma begins an option. */
		if (r == 0 && aufs_bad_path(names[i]))
			r = log_refuse(-EINVAL, "%s: '%s': %s", where, names[i], aufs_bad_path(names[i]));
	}
	if (r == 0)
		r = mount_all(branches, others, nothers, names, target, where);
	for (size_t i = 0; i < branches->n; i++)
		free(names[i]);
	free(names);
	return r;
}

int aufsfs_mount(const struct branches *branches, const struct aufs_options *options, struct stage *stage,
		 const char *where, char **ret_si)
{
	_cleanup_close_ int cwd = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC), fd = -EBADF;
	_cleanup_free_ char *target = stage_dir(stage), *wrong = NULL;
	int r;

	if (!target || cwd < 0 || chdir(stage->dir) < 0)
		return log_errno(-errno, "%s: prepare the mount of the aufs", where);
	r = mount_here(branches, options, stage, target, where);
	(void)!fchdir(cwd);
	if (r < 0)
		return r;
	fd = open(target, O_PATH | O_DIRECTORY | O_CLOEXEC);
	wrong = fd < 0 ? xstrdup(strerror(errno)) : verify(fd, branches, ret_si);
	if (!wrong)
		return TAKE_FD(fd);
	cleanup_close(&fd);
	fd = -EBADF;
	(void)umount2(target, UMOUNT_NOFOLLOW);
	return log_refuse(-EIO, "%s: the kernel reported success for the aufs, but %s", where, wrong);
}
