/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * overlay - a writable upper over read-only lower layers.
 *
 * That mount(2) succeeds is not enough: the kernel accepts an upper of another
 * overlay, and mounts read-only where it cannot write. Both are checked here.
 */
#include "../kernel/aufs-info.h"
#include "../delta/delta.h"
#include "../kernel/overlay.h"
#include "../record-kinds/volatile.h"
#include "../stack/type.h"
#include "upper.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/xattr.h>

struct overlay_data {
	struct upper upper, work;
};

/* Check that the lowers of the source are different directories. Returns their depth or -errno (logged). */
static int check_lowers(const struct spec *spec, const struct plan *plan)
{
	_cleanup_free_ struct stat *seen = xcalloc(spec->nsources, sizeof(*seen));
	int depth = 0, r;

	for (size_t i = 0; i + 1 < spec->nsources; i++) {
		_cleanup_close_ int fd = path_open(plan->dirfd, spec->sources[i], O_PATH | O_DIRECTORY);

		if (fd < 0)
			return spec_refuse(spec, fd, "open lower '%s': %s", spec->sources[i], path_strerror(fd));
		if (fstat(fd, &seen[i]) < 0)
			return log_errno(-errno, "%s: lower '%s'", spec->where, spec->sources[i]);
		r = aufs_is(fd);
		if (r)
			return r < 0 ? log_errno(r, "%s: lower '%s'", spec->where, spec->sources[i])
				     : spec_refuse(spec, -EINVAL,
						   "lower '%s' lies on an aufs, and an overlay on an aufs crashes the "
						   "kernel",
						   spec->sources[i]);
		for (size_t k = 0; k < i; k++)
			if (seen[k].st_ino == seen[i].st_ino && seen[k].st_dev == seen[i].st_dev)
				return spec_refuse(spec, -EINVAL, "lowers '%s' and '%s' are the same directory",
						   spec->sources[k], spec->sources[i]);
		r = bdev_depth(spec, fd);
		if (r < 0)
			return r;
		if (r > depth)
			depth = r;
	}
	return depth;
}

/* Check the upper's file system: the kernel refuses some or mounts read-only. Returns 0 or -errno (logged). */
static int check_upper_fs(const struct spec *spec, int fd)
{
	const char *path = upper_of(spec);
	_cleanup_free_ char *name = xasprintf("/proc/self/fd/%d", fd);
	struct statfs st;
	int r;

	if (fstatfs(fd, &st) < 0)
		return log_errno(-errno, "%s: upper '%s'", spec->where, path);
	if (st.f_type == OVERLAYFS_SUPER_MAGIC)
		return spec_refuse(spec, -EINVAL,
				   "upper '%s' lies on an overlay, which the kernel does not accept as upper; "
				   "put it on a tmpfs, or on an ext4, xfs or btrfs",
				   path);
	if (st.f_type == AUFS_SUPER_MAGIC)
		return spec_refuse(spec, -EINVAL,
				   "upper '%s' lies on an aufs, and an overlay on an aufs crashes the kernel; "
				   "put it on a tmpfs, or on an ext4, xfs or btrfs",
				   path);
	r = upper_check_writable(spec, fd);
	if (r < 0)
		return r;
	if (getxattr(name, "trusted.overlay.opaque", NULL, 0) >= 0 || errno == ENODATA)
		return 0;
	if (errno == EOPNOTSUPP)
		return spec_refuse(spec, -EINVAL,
				   "the file system of upper '%s' has no trusted.* attributes, which overlay needs",
				   path);
	return log_errno(-errno, "%s: read the attributes of upper '%s'", spec->where, path);
}

/* Refuse an upper that may be damaged: with `volatile`, the kernel leaves a marker if the host crashes. Returns 0 or
 * -errno (logged). */
static int check_volatile(const struct spec *spec, const struct plan *plan, const char *work)
{
	_cleanup_free_ char *marker = xasprintf("%s/work/incompat/volatile", work);
	_cleanup_close_ int fd = path_open(plan->dirfd, marker, O_PATH | O_DIRECTORY);

	if (fd == -ENOENT || fd == -ENOTDIR)
		return 0;
	if (fd < 0)
		return spec_refuse(spec, fd, "look for '%s': %s", marker, path_strerror(fd));
	return spec_refuse(spec, -EINVAL,
			   "its upper was in use with 'volatile' when the host crashed, and may be damaged; "
			   "to use it nevertheless, remove '%s'",
			   marker);
}

/* Refuse an upper in aufs format: an overlay would show removed files, and mix both whiteout formats. Returns 0 or
 * -errno (logged). */
static int check_form(const struct spec *spec, int fd)
{
	const char *own;
	int r = spec->form ? 0 : delta_aufs_own(fd, &own);
	_cleanup_free_ char *path = r > 0 ? path_of(fd) : NULL;

	if (r < 0)
		return spec_refuse(spec, r, "look for names of aufs in upper '%s': %s", upper_of(spec), strerror(-r));
	return r ? spec_refuse(
			   spec, -EINVAL,
			   "upper '%s' is in aufs format ('%s' is in it); convert it: lxc-bdev convert overlay '%s'",
			   upper_of(spec), own, path)
		 : 0;
}

static int check_upper_on_disk(const struct spec *spec, const struct plan *plan, const char *work)
{
	bool made;
	_cleanup_close_ int fd = upper_find(spec, plan, &made, NULL);

	if (fd < 0)
		return fd;
	return check_upper_fs(spec, fd) ?: made ? 0 : check_form(spec, fd) ?: check_volatile(spec, plan, work);
}

/* Check that the work directory can be opened, or made by the start. Returns 0 or -errno (logged). */
static int check_work(const struct spec *spec, const struct plan *plan, const char *work)
{
	_cleanup_close_ int fd = path_open(plan->dirfd, work, O_PATH | O_DIRECTORY);

	if (fd >= 0 || fd == -ENOENT || spec->readonly)
		return 0;
	return spec_refuse(spec, fd, "open work directory '%s': %s", work, path_strerror(fd));
}

/* Take the lower layers, *ret_n of them, off the plan. Returns the overlay's depth or -errno (logged). */
static int plan_lowers(const struct spec *spec, struct plan *plan, size_t *ret_n)
{
	int held_depth,
		depth = plan_check_form(plan, spec) ?: plan_check_no_aufs(plan, spec) ?: check_lowers(spec, plan);

	if (depth < 0)
		return depth;
	*ret_n = plan_take_roots(plan, &held_depth) + spec->nsources - 1;
	if (!*ret_n)
		return spec_refuse(spec, -EINVAL, "no lower layer, neither in its source nor below it in the stack");
	if (*ret_n > OVERLAYFS_LOWERS_MAX)
		return spec_refuse(spec, -EINVAL, "%zu lowers; the kernel takes at most %d", *ret_n,
				   OVERLAYFS_LOWERS_MAX);
	depth = 1 + (held_depth > depth ? held_depth : depth);
	if (depth > OVERLAYFS_DEPTH_MAX)
		return spec_refuse(spec, -EINVAL,
				   "would be %d stacking file systems on each other; the kernel allows %d", depth,
				   OVERLAYFS_DEPTH_MAX);
	return depth;
}

/* Find the places of upper and work directory, and check both. Returns 0 or -errno (logged). */
static int plan_upper(const struct spec *spec, struct plan *plan, struct overlay_data *data)
{
	const struct spec_option *option = spec_option(spec, "work");
	_cleanup_free_ char *work = option ? xstrdup(option->value) : xasprintf("%s.work", upper_of(spec));
	_cleanup_free_ char *upper_path = path_absolute(plan->dir, upper_of(spec));
	_cleanup_free_ char *work_path = path_absolute(plan->dir, work);
	int r;

	if (path_below(work_path, upper_path) || path_below(upper_path, work_path))
		return spec_refuse(spec, -EINVAL, "work directory '%s' and upper '%s' must not contain each other",
				   work, upper_of(spec));
	r = upper_place(spec, plan, upper_of(spec), &data->upper) ?: upper_place(spec, plan, work, &data->work);
	if (r < 0)
		return r;
	if (data->upper.cover != data->work.cover)
		return spec_refuse(spec, -EINVAL, "work directory '%s' and upper '%s' must be on one file system", work,
				   upper_of(spec));
	if (data->upper.cover >= 0)
		return 0;
	return check_upper_on_disk(spec, plan, work) ?: check_work(spec, plan, work);
}

static int overlay_plan(const struct spec *spec, struct plan *plan)
{
	_cleanup_free_ struct overlay_data *data = xcalloc(1, sizeof(*data));
	int r, depth;
	size_t n;

	data->upper.cover = data->work.cover = -1;
	depth = plan_lowers(spec, plan, &n);
	r = depth < 0 ? depth : *upper_of(spec) ? plan_upper(spec, plan, data) : 0;
	if (r < 0)
		return r;
	plan_add_root(plan, spec, depth, !spec->readonly && data->upper.cover < 0);
	plan_step(plan, spec, data, "mount overlay: %zu lower%s, %s%s%s%s%s%s", n, n == 1 ? "" : "s",
		  *upper_of(spec) ? "upper '" : "no upper", upper_of(spec), *upper_of(spec) ? "'" : "",
		  data->upper.cover >= 0 ? " on the tmpfs" : "", spec->readonly ? ", read-only" : "",
		  spec_option(spec, "volatile") ? ", volatile" : "");
	(void)TAKE_PTR(data); /* the plan frees it */
	return 0;
}

static int top_lower(const struct layers *layers)
{
	return layers->lowers ? layers->lowers[0] : -EBADF;
}

static int open_work(const struct spec *spec, struct build *build, const struct upper *place)
{
	int base = place->cover >= 0 ? build->covers[place->cover] : build->dirfd;
	int fd = path_open(base, place->path, O_PATH | O_DIRECTORY);

	if (fd == -ENOENT)
		fd = path_open_made(base, place->path);
	return fd < 0 ? spec_refuse(spec, fd, "open work directory '%s': %s", place->path, path_strerror(fd)) : fd;
}

/* Claim the upper and, if the spec names one, the work directory; the default one belongs to its upper. Returns 0 or
 * -errno (logged). */
static int claim_upper(const struct spec *spec, struct build *build, const struct layers *layers, int *ret_lock,
		       int *ret_work_lock)
{
	_cleanup_free_ char *upper = xasprintf("upper '%s'", upper_of(spec)), *work = NULL;
	int r = upper_claim(spec, build, DIRECTORY_UPPER, layers->upper, top_lower(layers), upper_of(spec), upper,
			    ret_lock);

	if (r < 0 || !spec_option(spec, "work"))
		return r;
	work = xasprintf("work directory '%s'", spec_option(spec, "work")->value);
	return upper_claim(spec, build, DIRECTORY_UPPER, layers->work, top_lower(layers),
			   spec_option(spec, "work")->value, work, ret_work_lock);
}

static int overlay_build(const struct step *step, struct build *build)
{
	const struct overlay_data *data = step->data;
	const struct spec *spec = step->spec;
	_cleanup_close_ int lock = -EBADF, work_lock = -EBADF, mount = -EBADF;
	struct layers layers = { .upper = -EBADF, .work = -EBADF, .is_volatile = spec_option(spec, "volatile") };
	int r;

	r = upper_open_lowers(spec, build, &layers.lowers, &layers.n);
	if (r == 0 && spec->readonly && *data->upper.path) {
		/* Read-only, the upper is the topmost lower layer. */
		(void)ARRAY_ADD(layers.lowers, layers.n);
		memmove(layers.lowers + 1, layers.lowers, (layers.n - 1) * sizeof(*layers.lowers));
		layers.lowers[0] = path_open(build->dirfd, data->upper.path, O_PATH | O_DIRECTORY);
		if (layers.lowers[0] < 0)
			r = log_errno(layers.lowers[0], "%s: open upper '%s'", spec->where, upper_of(spec));
		else
			r = build_claim_lower(build, spec, layers.lowers[0], data->upper.path);
	} else if (r == 0 && !spec->readonly) {
		r = layers.upper = upper_open(spec, build, &data->upper, top_lower(&layers));
		if (r >= 0)
			r = layers.work = open_work(spec, build, &data->work);
		r = r < 0 ? r : 0;
		if (r == 0 && data->upper.cover < 0)
			r = claim_upper(spec, build, &layers, &lock, &work_lock);
		if (r == 0 && data->upper.cover < 0 && layers.is_volatile)
			r = volatile_record(build->journal, layers.work);
	}
	if (r == 0)
		r = mount = overlayfs_mount(&layers, &build->stage, spec->where);
	overlayfs_close(&layers);
	if (r < 0)
		return r;
	r = spec->readonly ? 0 : mount_is_readonly(mount);
	if (r < 0)
		return log_errno(r, "%s: check that the overlay is writable", spec->where);
	if (r > 0)
		return log_refuse(-EROFS,
				  "%s: the kernel mounted the overlay read-only: work directory '%s' is unusable",
				  spec->where, data->work.path);
	return build_add_root(build, &mount, NULL);
}

/*
 * Add the layers to a view, whose user mounts an overlay of its own. An upper on a tmpfs belongs to one run of the
 * container and is left out, as is one that does not exist yet. Returns 0.
 */
static int overlay_view(const struct spec *spec, struct view *view)
{
	_cleanup_close_ int dirfd = open(view->dir, O_PATH | O_DIRECTORY | O_CLOEXEC), upper = -EBADF;

	for (size_t i = spec->nsources - 1; i > 0; i--)
		view_add_dir(view, spec, spec->sources[i - 1]);
	if (view_is_covered(view, upper_of(spec)))
		return 0;
	upper = path_open(dirfd, upper_of(spec), O_PATH | O_DIRECTORY);
	if (upper != -ENOENT || *upper_of(spec) == '/')
		view_add_dir(view, spec, upper_of(spec));
	return 0;
}

/* Copy the lowers and the upper. The start of the copy makes the work directory, and an upper that does not exist yet.
 * Returns 0 or -errno (logged). */
static int overlay_clone(const struct spec *spec, struct clone *clone)
{
	const struct spec_option *option = spec_option(spec, "work");
	_cleanup_free_ char *work = option ? xstrdup(option->value) : xasprintf("%s.work", upper_of(spec));
	const struct plan source = { .dirfd = clone->from };
	int r = *work == '/' ? clone_shared(clone, spec, work) : check_volatile(spec, &source, work);

	return r ?: upper_clone(spec, clone);
}

static const struct bdev_option overlay_options[] = {
	{ "work", "DIR", "overlay's work directory, on the upper's file system (default: UPPER.work)" },
	{ "volatile", NULL, "never sync the upper: fast, but starts are refused after a crash of the host" },
	{ NULL, NULL, NULL },
};

const struct bdev_type bdev_overlay = {
	.name = "overlay",
	.alias = "overlayfs",
	.source = "[LOWER:...]UPPER",
	.summary = "a writable upper over lower layers: its lowers and the stack so far",
	.undo = "the kernel, with the mount",
	.options = overlay_options,
	.filesystem = "overlay",
	.plan = overlay_plan,
	.writes_last = true,
	.view = overlay_view,
	.clone = overlay_clone,
	.build = overlay_build,
};
