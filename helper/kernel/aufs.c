/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * aufs - the kernel's side of an aufs.
 *
 * aufs has mount(2) and paths only, without escapes. So it is mounted in the
 * stage, and from its directory: what the stack holds is "3" there. One call
 * takes a page of text, and as many parsed options as fit into a page, too; no
 * kernel looks at the latter, and the one too many overwrites its memory. So
 * what is not sure to fit is appended, one branch a call.
 *
 * The kernel ignores what it does not understand of a permission, and of an
 * append all but one branch, with success: it is asked afterwards what it did.
 * It accepts a writable branch that another mount writes to.
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
#define OPTIONS_MAX 64 /* in one mount(2), each branch counting; the 85th is fatal */

/* A branch as the kernel is told it: the stage's own by their names in it, which is where we are. */
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

/* --- dirperm1: once a boot, aufs is asked with a mount of one branch --- */

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

/* As a whole or not at all: two processes may write it, each the same. */
static void remember_dirperm1(bool has)
{
	_cleanup_free_ char *text = xasprintf("%s %d\n", process_boot_id(), has);
	_cleanup_close_ int fd =
		open(RUN_DIR "/" CACHE ".new", O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text))
		(void)rename(RUN_DIR "/" CACHE ".new", RUN_DIR "/" CACHE);
}

/* 1, 0, or -ENOENT: nobody has asked in this boot. */
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
	/* Refused for its own sake only if the same goes without. */
	if (r == 1 || (r == -EINVAL && try_dirperm1(strrchr(branch, '/') + 1, target, "") == 1))
		remember_dirperm1(r == 1);
	return r == 1;
}

/* --- the mount --- */

/* What is behind the branches, *ret_n options, for the caller to free. */
static char *other_options(const struct aufs_options *options, struct stage *stage, size_t *ret_n)
{
	bool dirperm1 = options->dirperm1 == DIRPERM1_ON || (options->dirperm1 == DIRPERM1_AUTO && has_dirperm1(stage));
	const char *end = dirperm1 ? ",dirperm1" : "";

	*ret_n = dirperm1 ? 4 : 3;
	/* Without acl, there are no POSIX ACLs, whatever the branches have. */
	if (options->xino && strcmp(options->xino, "off") == 0)
		return xasprintf(",dio,acl,noxino%s", end);
	if (options->xino)
		return xasprintf(",dio,acl,xino=%s%s", options->xino, end);
	/* It goes by its name at once, and lives on the stage's tmpfs as long as the mount. */
	return xasprintf(",dio,acl,xino=xino.%u%s", stage->n++, end);
}

/* The first call's options, for the caller to free; *ret_n: how many branches are in them. */
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

/* What an errno of aufs's means, where its own text misleads. */
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

/* All calls; target is then a mount, or nothing is. 0 or -errno (logged). */
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

/* The kernel did as asked. NULL, or what is wrong, for the caller to free. */
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

/* In the stage's directory, all calls and what is needed for them. 0 or -errno (logged). */
static int mount_here(const struct branches *branches, const struct aufs_options *options, struct stage *stage,
		      const char *target, const char *where)
{
	size_t nothers;
	_cleanup_free_ char *others = other_options(options, stage, &nothers);
	char **names = xcalloc(branches->n, sizeof(*names));
	int r = 0;

	for (size_t i = 0; i < branches->n; i++) {
		names[i] = name_of(branches->fds[i]);
		/* The plan has looked, but a directory may have been renamed since, and a comma begins an option. */
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
