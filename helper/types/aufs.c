/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * aufs - a writable upper over read-only lower layers, for kernels with aufs.
 *
 * The kernel's aufs takes paths. It refuses bad ones with a plain EINVAL and
 * writes the reason to the kernel's log. Therefore they are refused here.
 */
#include "../record-kinds/aufs.h"
#include "../kernel/aufs.h"
#include "../stack/type.h"
#include "aufs-branches.h"
#include "upper.h"

#include <fcntl.h>
#include <sys/stat.h>

struct aufs_data {
	struct upper upper; /* .path "": no upper */
};

static int check_lowers(const struct spec *spec, const struct plan *plan, struct branch_list *list)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i + 1 < spec->nsources; i++) {
		_cleanup_close_ int fd = path_open(plan->dirfd, spec->sources[i], O_PATH | O_DIRECTORY);

		if (fd < 0)
			return spec_refuse(spec, fd, "open lower '%s': %s", spec->sources[i], path_strerror(fd));
		r = aufs_branches_add(spec, list, fd, xasprintf("lower '%s'", spec->sources[i]), path_of(fd), false);
	}
	return r;
}

/*
 * Check the trees of the stack, which become lower layers. Each is attached in the stage under a short path. None may
 * be a branch already, and none may be a stacking file system. Returns 0 or -errno (logged).
 */
static int check_held(const struct spec *spec, const struct plan *plan, struct branch_list *list)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < plan->nroots; i++) {
		const struct spec *held = plan->roots[i].spec;
		_cleanup_close_ int fd = -EBADF;
		const char *dir;
		struct stat st;
		int dirfd;

		if (plan->roots[i].depth)
			return spec_refuse(
				spec, -EINVAL,
				"lower layer '%s' is an overlay or an aufs, which aufs does not accept as a branch; "
				"use overlay here, too",
				held->text);
		/* A layer of an overlay that stack/view.c resolved into its layers. */
		if (strncmp(held->text, "overlay", strlen("overlay")) == 0)
			return spec_refuse(spec, -EINVAL,
					   "lower layer '%s' has whiteouts in overlay format, which aufs would show as "
					   "files; use overlay here, too",
					   held->text);
		plan_own(plan, held, &dir, &dirfd);
		fd = path_open(dirfd, held->sources[0], O_PATH | O_DIRECTORY);
		if (fd >= 0 && fstat(fd, &st) == 0)
			r = aufs_branches_put(spec, list, xasprintf("'%s'", held->text), path_of(fd), &st);
	}
	return r;
}

static int check_upper(const struct spec *spec, struct plan *plan, struct aufs_data *data, struct branch_list *list)
{
	int r = upper_place(spec, plan, upper_of(spec), &data->upper);
	_cleanup_close_ int fd = -EBADF;
	const char *reason;
	char *path = NULL;
	bool made;

	if (r < 0)
		return r;
	if (data->upper.cover >= 0) {
		/* On a tmpfs in the stage: the kernel gets a path that begins there. */
		_cleanup_free_ char *below = xasprintf("/%s", data->upper.path);

		reason = aufs_bad_path(below);
		return reason ? spec_refuse(spec, -EINVAL, "upper '%s': %s", upper_of(spec), reason) : 0;
	}
	fd = upper_find(spec, plan, &made, &path);
	if (fd < 0)
		return fd;
	r = aufs_branches_add(spec, list, fd, xasprintf("upper '%s'", upper_of(spec)), path, made);
	return r < 0 || spec->readonly ? r : upper_check_writable(spec, fd);
}

/* Resolve the path of the file in which aufs keeps inode numbers; it must not exist. Returns it, for the caller to
 * free, or NULL (logged). */
static char *find_xino(const struct spec *spec, int dirfd, const char *path)
{
	_cleanup_free_ char *parent = xasprintf("%s%s", *path == '/' ? "" : "./", path), *dir = NULL, *at = NULL;
	char *slash = strrchr(parent, '/');
	_cleanup_close_ int fd = -EBADF;
	const char *reason;
	struct stat st;

	*slash = '\0';
	fd = path_open(dirfd, *parent ? parent : "/", O_PATH | O_DIRECTORY);
	if (fd < 0) {
		(void)spec_refuse(spec, fd, "open the directory of xino=%s: %s", path, path_strerror(fd));
		return NULL;
	}
	dir = path_of(fd);
	at = path_absolute(dir, slash + 1);
	reason = !slash[1] || strcmp(slash + 1, ".") == 0 || strcmp(slash + 1, "..") == 0 ? "it must name a file"
		 : fstatat(fd, slash + 1, &st, AT_SYMLINK_NOFOLLOW) == 0
			 ? "it exists; aufs makes this file itself and unlinks it at once"
			 : aufs_bad_path(at);
	if (!reason)
		return TAKE_PTR(at);
	(void)spec_refuse(spec, -EINVAL, "xino=%s: %s", path, reason);
	return NULL;
}

static int check_options(const struct spec *spec, const struct plan *plan)
{
	const struct spec_option *dirperm1 = spec_option(spec, "dirperm1"), *xino = spec_option(spec, "xino");
	_cleanup_free_ char *path = NULL;

	if (dirperm1 && strcmp(dirperm1->value, "auto") != 0 && strcmp(dirperm1->value, "on") != 0 &&
	    strcmp(dirperm1->value, "off") != 0)
		return spec_refuse(spec, -EMALFORMED, "dirperm1=%s: not 'auto', 'on' or 'off'", dirperm1->value);
	if (!xino || strcmp(xino->value, "off") == 0)
		return 0;
	path = find_xino(spec, plan->dirfd, xino->value);
	return path ? 0 : -EINVAL;
}

/* Plan all branches. Returns the number of lower layers or -errno (logged). */
static int plan_branches(const struct spec *spec, struct plan *plan, struct aufs_data *data)
{
	struct branch_list list = { 0 };
	size_t n = spec->nsources - 1 + plan->nroots, max = aufs_branches_max();
	int depth, r;

	if (!n)
		return spec_refuse(spec, -EINVAL, "no lower layer, neither in its source nor below it in the stack");
	if (n + !!*upper_of(spec) > max)
		return spec_refuse(spec, -EINVAL,
				   "%zu branches; this kernel's aufs takes at most %zu: merge some lower layers",
				   n + !!*upper_of(spec), max);
	r = plan_check_form(plan, spec) ?: check_lowers(spec, plan, &list);
	if (r == 0)
		r = check_held(spec, plan, &list);
	if (r == 0 && *upper_of(spec))
		r = check_upper(spec, plan, data, &list);
	aufs_branches_free(&list);
	if (r < 0)
		return r;
	(void)plan_take_roots(plan, &depth);
	return (int)n;
}

static int aufs_plan(const struct spec *spec, struct plan *plan)
{
	_cleanup_free_ struct aufs_data *data = xcalloc(1, sizeof(*data));
	int n;

	data->upper.cover = -1;
	n = check_options(spec, plan) ?: plan_branches(spec, plan, data);
	if (n < 0)
		return n;
	plan->staged = true;
	plan_add_root(plan, spec, 1, !spec->readonly && data->upper.cover < 0);
	plan->roots[plan->nroots - 1].aufs = true;
	plan_step(plan, spec, data, "mount aufs: %d lower%s, %s%s%s%s%s", n, n == 1 ? "" : "s",
		  *upper_of(spec) ? "upper '" : "no upper", upper_of(spec), *upper_of(spec) ? "'" : "",
		  data->upper.cover >= 0 ? " on the tmpfs" : "", spec->readonly ? ", read-only" : "");
	(void)TAKE_PTR(data); /* the plan frees it */
	return 0;
}

/* Open all branches, the upper first. Returns 0 or -errno (logged). */
static int open_branches(const struct spec *spec, struct build *build, const struct aufs_data *data,
			 struct branches *branches)
{
	int fd, r = upper_open_lowers(spec, build, &branches->fds, &branches->n);

	branches->nlowers = branches->n;
	if (r < 0 || !*data->upper.path)
		return r;
	if (!spec->readonly) {
		fd = upper_open(spec, build, &data->upper, branches->fds[0]);
		r = fd < 0 ? fd : 0;
	} else {
		fd = path_open(build->dirfd, data->upper.path, O_PATH | O_DIRECTORY);
		r = fd < 0 ? log_errno(fd, "%s: open upper '%s'", spec->where, upper_of(spec))
			   : build_claim_lower(build, spec, fd, data->upper.path);
	}
	if (r < 0)
		return r;
	(void)ARRAY_ADD(branches->fds, branches->n);
	memmove(branches->fds + 1, branches->fds, (branches->n - 1) * sizeof(*branches->fds));
	branches->fds[0] = fd;
	branches->writable = !spec->readonly;
	return 0;
}

/* Mount the branches and record the aufs. Returns the mount's fd or -errno (logged). */
static int mount_branches(const struct spec *spec, struct build *build, const struct branches *branches)
{
	const struct spec_option *dirperm1 = spec_option(spec, "dirperm1"), *xino = spec_option(spec, "xino");
	_cleanup_free_ char *si = NULL, *path = NULL;
	_cleanup_close_ int mount = -EBADF;
	struct aufs_options options = { 0 };
	int r;

	if (xino && strcmp(xino->value, "off") != 0) {
		path = find_xino(spec, build->dirfd, xino->value);
		if (!path)
			return -EINVAL;
	}
	options.xino = path || !xino ? path : "off";
	if (dirperm1 && strcmp(dirperm1->value, "auto") != 0)
		options.dirperm1 = strcmp(dirperm1->value, "on") == 0 ? DIRPERM1_ON : DIRPERM1_OFF;
	mount = aufsfs_mount(branches, &options, &build->stage, spec->where, &si);
	if (mount < 0)
		return mount;
	r = aufs_record(build->journal, si);
	return r < 0 ? r : TAKE_FD(mount);
}

static int aufs_build(const struct step *step, struct build *build)
{
	const struct aufs_data *data = step->data;
	const struct spec *spec = step->spec;
	_cleanup_free_ char *upper = xasprintf("upper '%s'", upper_of(spec));
	_cleanup_close_ int lock = -EBADF, mount = -EBADF;
	struct branches branches = { 0 };
	int r;

	r = open_branches(spec, build, data, &branches);
	if (r == 0 && branches.writable && data->upper.cover < 0)
		r = upper_claim(spec, build, DIRECTORY_BRANCH, branches.fds[0], branches.fds[1], upper_of(spec), upper,
				&lock);
	if (r == 0)
		r = mount = mount_branches(spec, build, &branches);
	for (size_t i = 0; i < branches.n; i++)
		cleanup_close(&branches.fds[i]);
	free(branches.fds);
	return r < 0 ? r : build_add_root(build, &mount, NULL);
}

/* Add a branch to a view, marked with its whiteout format. */
static void add_view(const struct spec *spec, struct view *view, const char *source)
{
	view_add_dir(view, spec, source);
	view->out->specs[view->out->n - 1].form = "aufs";
}

/*
 * Add the branches to a view, whose user mounts an aufs of its own: neither an overlay nor another aufs may be mounted
 * above an aufs. An upper on a tmpfs belongs to one run of the container and is left out, as is one that does not exist
 * yet.
 */
static int aufs_view(const struct spec *spec, struct view *view)
{
	_cleanup_close_ int dirfd = open(view->dir, O_PATH | O_DIRECTORY | O_CLOEXEC), upper = -EBADF;

	if (dirfd < 0)
		return log_errno(-errno, "%s: open '%s'", spec->where, view->dir);
	for (size_t i = spec->nsources - 1; i > 0; i--)
		add_view(spec, view, spec->sources[i - 1]);
	if (view_is_covered(view, upper_of(spec)))
		return 0;
	upper = path_open(dirfd, upper_of(spec), O_PATH | O_DIRECTORY);
	if (upper != -ENOENT || *upper_of(spec) == '/')
		add_view(spec, view, upper_of(spec));
	return 0;
}

static const struct bdev_option aufs_options[] = {
	{ "dirperm1", "auto|on|off",
	  "ignore the lower layers' permissions of a directory that the upper has (default auto: if the kernel can)" },
	{ "xino", "PATH|off", "file in which aufs keeps inode numbers (default: in memory)" },
	{ NULL, NULL, NULL },
};

const struct bdev_type bdev_aufs = {
	.name = "aufs",
	.source = "[LOWER:...]UPPER",
	.summary = "a writable upper over lower layers, for kernels with aufs",
	.undo = "the kernel, with the mount",
	.options = aufs_options,
	.for_writers = { "xino" },
	.filesystem = "aufs",
	.impossible = aufs_impossible,
	.plan = aufs_plan,
	.writes_last = true,
	.view = aufs_view,
	.clone = upper_clone,
	.build = aufs_build,
};
