/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * dir - a bind mount of a directory of the host.
 */
#include "../base/running-kernel.h"
#include "../stack/idmapped.h"
#include "../stack/type.h"

#include <fcntl.h>

static int dir_plan(const struct spec *spec, struct plan *plan)
{
	const char *path = spec->sources[0];
	_cleanup_close_ int fd = -EBADF;
	int depth, r;

	if (spec->nsources > 1)
		return spec_refuse(spec, -EMALFORMED, "one directory only; write ':' in a path as '\\:'");
	fd = path_open(plan->dirfd, path, O_PATH | O_DIRECTORY);
	if (fd < 0)
		return spec_refuse(spec, fd, "open directory '%s': %s", path, path_strerror(fd));
	depth = bdev_depth(spec, fd);
	if (depth < 0)
		return depth;
	plan_step(plan, spec, NULL, "bind '%s'%s", path, spec->readonly ? ", read-only" : "");
	plan_add_root(plan, spec, depth, !spec->readonly);
	r = idmapped_fstype(fd, &plan->roots[plan->nroots - 1].fstype);
	if (r < 0)
		return spec_refuse(spec, r, "look up the file system of directory '%s': %s", path, strerror(-r));
	return plan_look_for_aufs(plan, fd);
}

static int dir_build(const struct step *step, struct build *build)
{
	const struct spec *spec = step->spec;
	_cleanup_close_ int fd = -EBADF, mount = -EBADF;
	_cleanup_free_ char *path = NULL;
	/*
	 * For a container, bind the mounts below the directory too, as LXC does with a rootfs. On the host, bind the
	 * directory alone, as mount --bind does, so that one umount ends it. Before Linux 5.12 a tree of mounts cannot
	 * be made read-only.
	 */
	bool below = build->plan->in_namespace && (!spec->readonly || !kernel_before(5, 12));
	int r;

	fd = path_open(build->dirfd, spec->sources[0], O_PATH | O_DIRECTORY);
	if (fd >= 0) {
		r = build_claim_lower(build, spec, fd, spec->sources[0]);
		if (r < 0)
			return r;
	}
	mount = fd < 0 ? fd : mount_clone(fd, below);
	if (mount < 0)
		return log_errno(mount, "%s: bind '%s'", spec->where, spec->sources[0]);
	r = build_add_root(build, &mount, &path);
	if (r < 0 || !spec->readonly)
		return r;
	r = mount_set_readonly(build->roots[build->nroots - 1], true, path);
	if (r < 0)
		return log_errno(r, "%s: make '%s' read-only", spec->where, spec->sources[0]);
	r = mount_is_readonly(build->roots[build->nroots - 1]);
	if (r < 0)
		return log_errno(r, "%s: check that '%s' is read-only", spec->where, spec->sources[0]);
	if (r == 0)
		return log_refuse(-EROFS, "%s: the kernel left '%s' writable", spec->where, spec->sources[0]);
	return 0;
}

const struct bdev_type bdev_dir = {
	.name = "dir",
	.source = "PATH",
	.summary = "a directory of the host",
	.undo = "the kernel, with the mount",
	.plan = dir_plan,
	.build = dir_build,
};
