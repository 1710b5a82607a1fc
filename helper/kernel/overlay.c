/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * overlay - the kernel's side of an overlay.
 *
 * There are three ways to hand over layers:
 *   fd      FSCONFIG_SET_FD, detached mounts too (Linux 6.15; no stage)
 *   string  "lowerdir+" with /proc/self/fd/N, in the stage (Linux 6.8)
 *   mount   mount(2) with descriptor numbers, relative to /proc/self/fd, in the stage
 * None has a length or an escape to get wrong: a layer is a descriptor.
 * (mount(2) cuts its options at one page and reports success.) The
 * kernel's version decides, not trying: before 6.5, fsconfig(2) takes any
 * option, and only the mount fails, with a line in the kernel's log.
 */
#include "overlay.h"
#include "aufs-info.h"
#include "../base/cleanup.h"
#include "../base/mount-options.h"
#include "../base/log.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mount.h>
#include <sys/vfs.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define MOUNT_DATA_MAX 4095 /* mount(2) cuts its options here, and reports success */

/* Kernel defaults vary by distribution; these make an upper that can be moved, copied and read by tools. */
static const char *const fixed_options[][2] = {
	{ "redirect_dir", "nofollow" },
	{ "metacopy", "off" },
	{ "index", "off" },
	{ "xino", "off" },
};

void overlayfs_close(struct layers *layers)
{
	for (size_t i = 0; i < layers->n; i++)
		cleanup_close(&layers->lowers[i]);
	free(layers->lowers);
	cleanup_close(&layers->upper);
	cleanup_close(&layers->work);
}

static int set_layer(struct fs *fs, const char *key, int layer, bool by_fd)
{
	char name[32];

	if (by_fd)
		return fs_set_fd(fs, key, layer);
	(void)snprintf(name, sizeof(name), "/proc/self/fd/%d", layer);
	return fs_set(fs, key, name);
}

/* What an errno of overlay's means, where its own text misleads. */
static const char *reason(int r, const struct layers *layers)
{
	struct statfs st;

	for (size_t i = 0; r == -EINVAL && i < layers->n; i++)
		if (fstatfs(layers->lowers[i], &st) == 0 && st.f_type == OVERLAYFS_SUPER_MAGIC)
			return "Invalid argument; a lower is an overlay itself, and the kernel stacks no more than two";
	return r == -ELOOP ? "one layer is the same as another, or inside it" : strerror(-r);
}

/* The ways `fd` and `string`. Mount fd or -errno. */
static int mount_by_fsconfig(const struct layers *layers, bool by_fd, struct fs *fs)
{
	int r = fs_set(fs, "source", "lxc-bdev");

	for (size_t i = 0; r == 0 && i < layers->n; i++)
		r = set_layer(fs, "lowerdir+", layers->lowers[i], by_fd);
	if (r == 0 && layers->upper >= 0) {
		r = set_layer(fs, "upperdir", layers->upper, by_fd);
		if (r == 0)
			r = set_layer(fs, "workdir", layers->work, by_fd);
		if (r == 0 && layers->is_volatile)
			r = fs_set(fs, "volatile", NULL);
	}
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(fixed_options); i++)
		r = fs_set(fs, fixed_options[i][0], fixed_options[i][1]);
	return r < 0 ? r : fs_mount(fs, layers->upper < 0);
}

/* Append to *text. */
__attribute__((format(printf, 2, 3))) static void append(char **text, const char *format, ...)
{
	_cleanup_free_ char *before = *text, *more = NULL;
	va_list args;
	int n;

	va_start(args, format);
	n = vasprintf(&more, format, args);
	va_end(args);
	*text = xasprintf("%s%s", before, (char *)must(n < 0 ? NULL : more));
}

/* The options for mount(2), for the caller to free. */
static char *make_options(const struct layers *layers)
{
	char *options = xstrdup("lowerdir=");

	for (size_t i = 0; i < layers->n; i++)
		append(&options, "%s%d", i ? ":" : "", layers->lowers[i]);
	if (layers->upper >= 0)
		append(&options, ",upperdir=%d,workdir=%d%s", layers->upper, layers->work,
		       layers->is_volatile ? ",volatile" : "");
	for (size_t i = 0; i < ARRAY_SIZE(fixed_options); i++)
		append(&options, ",%s=%s", fixed_options[i][0], fixed_options[i][1]);
	return options;
}

/* The number of lowers of the overlay at fd, as the kernel sees them, or -errno. */
static ssize_t count_lowers(int fd)
{
	_cleanup_free_ char *at = NULL, *options = NULL, *lowers = NULL;
	const char *value;
	ssize_t n = 1;
	int r = mount_describe(fd, &at, &options);

	if (r < 0)
		return r;
	value = mount_option(options, "lowerdir");
	if (!value)
		return 0;
	lowers = xstrndup(value, strcspn(value, ","));
	for (const char *c = lowers; (c = strchr(c, ':')); c++)
		n++;
	return n;
}

/* The way `mount`. Mount fd or -errno (logged). */
static int mount_by_mount(const struct layers *layers, struct stage *stage, const char *where)
{
	_cleanup_free_ char *options = make_options(layers), *target = stage_dir(stage);
	_cleanup_close_ int cwd = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	_cleanup_close_ int fd = -EBADF;
	ssize_t n;
	int r = 0;

	/* 500 lowers are 2 KB of numbers, so this is for what nobody foresaw. */
	if (strlen(options) > MOUNT_DATA_MAX)
		return log_refuse(-E2BIG, "%s: %zu lowers do not fit into one mount(2)", where, layers->n);
	if (!target || cwd < 0 || chdir("/proc/self/fd") < 0)
		return log_errno(-errno, "%s: prepare the overlay's mount", where);
	if (mount("lxc-bdev", target, "overlay", layers->upper < 0 ? MS_RDONLY : 0, options) < 0)
		r = -errno;
	(void)!fchdir(cwd);
	if (r < 0)
		return log_refuse(r, "%s: mount overlay: %s", where, reason(r, layers));
	fd = open(target, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return log_errno(-errno, "%s: open the overlay", where);
	n = count_lowers(fd);
	if (n < 0)
		return log_errno((int)n, "%s: count the overlay's lowers", where);
	if ((size_t)n != layers->n)
		return log_refuse(-EINVAL, "%s: the kernel took %zd of %zu lowers", where, n, layers->n);
	return TAKE_FD(fd);
}

/*
 * No layer lies on an aufs, whatever was planned: overlay opens files of its lowers with its own f_path, of which aufs
 * takes the super block for its own (au_do_open() of aufs 5 and 6). 0 or -errno (logged).
 */
static int check_no_aufs(const struct layers *layers, const char *where)
{
	for (size_t i = 0; i <= layers->n; i++) {
		int fd = i < layers->n ? layers->lowers[i] : layers->upper, r = fd < 0 ? 0 : aufs_is(fd);

		if (r < 0)
			return log_errno(r, "%s: ask for the file system of a layer", where);
		if (r)
			return log_refuse(-EINVAL,
					  "%s: a layer lies on an aufs, and an overlay on an aufs crashes the kernel",
					  where);
	}
	return 0;
}

int overlayfs_mount(const struct layers *layers, struct stage *stage, const char *where)
{
	bool staged = stage->host >= 0, old = mount_knob() == KNOB_MOUNT || kernel_before(6, 8);
	struct fs fs;
	int r;

	r = check_no_aufs(layers, where);
	if (r < 0)
		return r;
	r = fs_open(&fs, "overlay");
	if (r == -ENODEV)
		return log_refuse(-EOPNOTSUPP, "%s: this kernel has no overlay", where);
	if (r < 0)
		return log_errno(r, "%s: mount overlay", where);
	if (!old) {
		r = mount_by_fsconfig(layers, !staged, &fs);
		if (r < 0)
			log_error("%s: mount overlay: %s%s", where, reason(r, layers), fs.error);
	}
	fs_close(&fs);
	return old && staged ? mount_by_mount(layers, stage, where) : r;
}

/* Two empty directories on a tmpfs that is attached nowhere: it ends with the descriptor of its mount. */
struct scratch {
	int mount, upper, work;
};

static void scratch_clear(struct scratch *scratch)
{
	cleanup_close(&scratch->upper);
	cleanup_close(&scratch->work);
	cleanup_close(&scratch->mount);
}

/* 0 or -errno. */
static int scratch_make(struct scratch *ret)
{
	struct fs fs;
	int r = fs_open(&fs, "tmpfs");

	if (r == 0)
		r = ret->mount = fs_mount(&fs, false);
	fs_close(&fs);
	if (r < 0)
		return r;
	if (mkdirat(ret->mount, "upper", 0700) < 0 || mkdirat(ret->mount, "work", 0700) < 0)
		return -errno;
	ret->upper = openat(ret->mount, "upper", O_PATH | O_DIRECTORY | O_CLOEXEC);
	ret->work = openat(ret->mount, "work", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return ret->upper < 0 || ret->work < 0 ? -errno : 0;
}

/* The kernel made its index: so it was in force when the lower was looked at, as it is switched off for good. */
static int has_index(const struct scratch *scratch)
{
	if (faccessat(scratch->work, "index", F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return 1;
	return errno == ENOENT ? 0 : -errno;
}

/* Mount it above the scratch directory. 1: EBUSY; 0: not; -EINVAL: it says nothing; or another -errno. */
static int try_as_lower(int dir, const struct scratch *scratch, bool by_fd)
{
	_cleanup_close_ int mount = -EBADF;
	struct fs fs;
	int r = fs_open(&fs, "overlay");

	if (r == 0)
		r = set_layer(&fs, by_fd ? "lowerdir+" : "lowerdir", dir, by_fd);
	if (r == 0)
		r = set_layer(&fs, "upperdir", scratch->upper, by_fd);
	if (r == 0)
		r = set_layer(&fs, "workdir", scratch->work, by_fd);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(fixed_options); i++)
		r = fs_set(&fs, fixed_options[i][0],
			   strcmp(fixed_options[i][0], "index") == 0 ? "on" : fixed_options[i][1]);
	if (r == 0)
		mount = fs_mount(&fs, true);
	r = r ?: mount;
	fs_close(&fs);
	if (r < 0)
		return r == -EBUSY ? 1 : r;
	r = has_index(scratch);
	return r > 0 ? 0 : r ?: -EINVAL;
}

/* In a child: before Linux 6.15, a layer is attached somewhere. Here, the two are, where nobody else looks. */
static int try_in_namespace(int mount, const struct scratch *scratch)
{
	_cleanup_close_ int root = -EBADF, lower = -EBADF;
	int r = mount_new_namespace();

	if (r < 0)
		return r;
	root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC); /* a descriptor from before is of the other namespace */
	r = root < 0 ? -errno : mount_attach(scratch->mount, root);
	if (r == 0 && mkdirat(scratch->mount, "lower", 0700) < 0)
		r = -errno;
	if (r == 0)
		r = lower = openat(scratch->mount, "lower", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (r >= 0)
		r = mount_attach(mount, lower);
	return r < 0 ? r : try_as_lower(mount, scratch, false);
}

#define IN_USE 255 /* an exit status that is no errno */

/* Ask with the directory as the lower. 1: in use; 0: not; -EINVAL: it cannot be asked so; or another -errno. */
static int ask_as_lower(int dir)
{
	__attribute__((cleanup(scratch_clear))) struct scratch scratch = { -EBADF, -EBADF, -EBADF };
	_cleanup_close_ int mount = -EBADF;
	int r = scratch_make(&scratch), status;
	pid_t child;

	if (r < 0)
		return r;
	if (!stage_needed())
		return try_as_lower(dir, &scratch, true);
	mount = mount_clone(dir, false);
	if (mount < 0)
		return mount;
	child = fork();
	if (child == 0) {
		r = try_in_namespace(mount, &scratch);
		_exit(r > 0 ? IN_USE : -r);
	}
	while (child > 0 && waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	if (child < 0)
		return -EAGAIN;
	if (!WIFEXITED(status))
		return -EINTR;
	return WEXITSTATUS(status) == IN_USE ? 1 : -WEXITSTATUS(status);
}

/*
 * Ask with the directory as the upper of a mount that cannot succeed: that it is used is EBUSY, and is checked before
 * the work directory, which here is on another mount than the upper: EINVAL, before anything is written. Both are a
 * line in the kernel's log. 1, 0 or -errno.
 */
static int ask_as_upper(int dir, int lower)
{
	_cleanup_close_ int elsewhere = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct fs fs;
	int r = elsewhere < 0 ? -errno : fs_open(&fs, "overlay");

	if (r < 0)
		return r;
	r = set_layer(&fs, "lowerdir", lower, false);
	if (r == 0)
		r = set_layer(&fs, "upperdir", dir, false);
	if (r == 0)
		r = set_layer(&fs, "workdir", elsewhere, false);
	if (r == 0)
		r = fs_set(&fs, "index", "on");
	if (r == 0)
		r = fs_mount(&fs, true);
	fs_close(&fs);
	if (r >= 0) {
		(void)close(r);
		return 0;
	}
	return r == -EBUSY ? 1 : r == -EINVAL ? 0 : r;
}

/*
 * The kernel marks the inode of an upper or work directory from the mount of its overlay until the end of the file
 * system, which may be long after the last umount. Nothing shows the mark but another mount with index=on, to which it
 * is EBUSY, as upper, work directory or lower.
 *
 * As a lower, below an upper of our own, a directory that is free makes an overlay that mounts, and the log stays as it
 * was; one that is used is a line there, which the kernel writes beside each EBUSY. (With index=off it would be a
 * warning, and no error.) What a lower is needs no right to write, and two who ask at once do not see each other. This
 * takes a file system with file handles and a UUID: without these the kernel switches the index off, and mounts. Then,
 * and on an aufs, which must be no layer, the directory is the upper.
 */
int overlayfs_in_use(int dir, int lower)
{
	struct fs fs;
	int r = fs_open(&fs, "overlay");

	fs_close(&fs);
	/* A kernel without overlay has none that could use it. */
	if (r < 0)
		return r == -ENODEV ? 0 : r;
	r = aufs_is(dir) ? -EINVAL : ask_as_lower(dir);
	return r == -EINVAL || r == -EOPNOTSUPP ? ask_as_upper(dir, lower) : r;
}
