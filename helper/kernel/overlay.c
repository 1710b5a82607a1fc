/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * overlay - mount an overlay.
 *
 * There are three ways to hand layers over to the kernel:
 *   fd      FSCONFIG_SET_FD, detached mounts too (Linux 6.15; no stage)
 *   string  "lowerdir+" with /proc/self/fd/N, in the stage (Linux 6.8)
 *   mount   mount(2) with descriptor numbers, relative to /proc/self/fd, in the stage
 * (mount(2) cuts its options at one page and reports success.) All hand over descriptors, so paths need no escapes and
 * have no limit. The kernel's version decides, not a trial: before 6.5, fsconfig(2) takes any option, and only the
 * mount fails, with a line in the kernel's log.
 */
#include "overlay.h"
#include "aufs-info.h"
#include "../base/cleanup.h"
#include "../base/running-kernel.h"
#include "../base/text.h"
#include "../base/log.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mount.h>
#include <sys/vfs.h>

#define MOUNT_DATA_MAX 4095 /* mount(2) cuts its options here and reports success */

/* Defaults vary by distribution; with these options an upper can be moved, copied and read by tools. */
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

int overlayfs_set_layer(struct fs *fs, const char *key, int layer, bool by_fd)
{
	char name[32];

	if (by_fd)
		return fs_set_fd(fs, key, layer);
	(void)snprintf(name, sizeof(name), "/proc/self/fd/%d", layer);
	return fs_set(fs, key, name);
}

int overlayfs_set_fixed(struct fs *fs, bool index)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(fixed_options); i++)
		r = fs_set(fs, fixed_options[i][0],
			   index && strcmp(fixed_options[i][0], "index") == 0 ? "on" : fixed_options[i][1]);
	return r;
}

/* Explain an errno of overlay's. Returns a text, that of strerror(3) where it does not mislead. */
static const char *reason(int r, const struct layers *layers)
{
	struct statfs st;

	for (size_t i = 0; r == -EINVAL && i < layers->n; i++)
		if (fstatfs(layers->lowers[i], &st) == 0 && st.f_type == OVERLAYFS_SUPER_MAGIC)
			return "Invalid argument; a lower is an overlay itself, and the kernel stacks no more than two";
	return r == -ELOOP ? "one layer is the same as another, or inside it" : strerror(-r);
}

/* Mount in the ways `fd` and `string`. Returns the mount's descriptor or -errno. */
static int mount_by_fsconfig(const struct layers *layers, bool by_fd, struct fs *fs)
{
	int r = fs_set(fs, "source", "lxc-bdev");

	for (size_t i = 0; r == 0 && i < layers->n; i++)
		r = overlayfs_set_layer(fs, "lowerdir+", layers->lowers[i], by_fd);
	if (r == 0 && layers->upper >= 0) {
		r = overlayfs_set_layer(fs, "upperdir", layers->upper, by_fd);
		if (r == 0)
			r = overlayfs_set_layer(fs, "workdir", layers->work, by_fd);
		if (r == 0 && layers->is_volatile)
			r = fs_set(fs, "volatile", NULL);
	}
	r = r ?: overlayfs_set_fixed(fs, false);
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

/* Make the options for mount(2). Returns them, for the caller to free. */
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

/* Count the lowers that the kernel has for the overlay at fd. Returns their number or -errno. */
static ssize_t count_lowers(int fd)
{
	_cleanup_free_ char *at = NULL, *options = NULL, *lowers = NULL;
	const char *value;
	ssize_t n = 1;
	int r = mount_describe(fd, &at, &options);

	if (r < 0)
		return r;
	value = text_option(options, "lowerdir");
	if (!value)
		return 0;
	lowers = xstrndup(value, strcspn(value, ","));
	for (const char *c = lowers; (c = strchr(c, ':')); c++)
		n++;
	return n;
}

/* Mount in the way `mount`. Returns the mount's descriptor or -errno (logged). */
static int mount_by_mount(const struct layers *layers, struct stage *stage, const char *where)
{
	_cleanup_free_ char *options = make_options(layers), *target = stage_dir(stage);
	_cleanup_close_ int cwd = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	_cleanup_close_ int fd = -EBADF;
	ssize_t n;
	int r = 0;

	/* 500 lowers are 2 KB of numbers, so this should not happen. */
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
 * Check once more that no layer lies on an aufs: overlay opens files of its lowers with its own f_path, whose super
 * block aufs takes for its own (au_do_open() of aufs 5 and 6). Returns 0 or -errno (logged).
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
	bool staged = stage->host >= 0, old = stage_knob() == KNOB_MOUNT || kernel_before(6, 8);
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
