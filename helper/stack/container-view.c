/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * container-view - the view of another container's root as specs, of its stack or of the root that LXC mounts.
 */
#include "container-view.h"
#include "../base/cleanup.h"
#include "../base/log.h"
#include "../config/container.h"
#include "../config/dependencies.h"
#include "../config/rootfs-path.h"
#include "view.h"

#define VIEW_DEPTH_MAX 16 /* linked clones of linked clones */

/* Add the view of a single spec. Returns 0 or -errno (logged). */
static int view_text(const char *text, const char *config, const char *dir, struct stack *out)
{
	struct stack stack = { 0 };
	int r = spec_add(&stack, text, config);

	if (r == 0)
		r = view_stack(&stack, dir, out);
	stack_clear(&stack);
	return r;
}

/* Add the view of LXC's own rootfs. Returns 0 or -errno (logged). */
static int view_rootfs(const struct conf *conf, const char *config, const char *dir, struct stack *out)
{
	const char *path = conf->rootfs_path;
	_cleanup_free_ char *text = NULL;

	if (!path)
		return log_refuse(-EINVAL, "%s: neither bdev.rootfs nor lxc.rootfs.path in it", config);
	text = *path == '/' ? xasprintf("dir:%s", path) : xstrdup(path);
	return view_text(text, config, dir, out);
}

/* Add the upper of LXC's own overlay. Returns 0 or -errno (logged). */
static int view_upper(const char *upper, const char *config, const char *dir, struct stack *out)
{
	_cleanup_free_ char *text = xasprintf("dir:%s", upper);

	return view_text(text, config, dir, out);
}

/* Add the view of a container; below: without the upper of LXC's own overlay. Returns 0 or -errno (logged). */
static int view_container(const char *dir, bool below, unsigned int depth, struct stack *out)
{
	_cleanup_free_ char *config = xasprintf("%s/config", dir);
	struct rootfs rootfs = { 0 };
	struct conf conf = { 0 };
	int r = container_check_whole(dir) ?: conf_read(config, &conf);

	if (r == 0 && depth > VIEW_DEPTH_MAX)
		r = log_refuse(-ELOOP,
			       "%s: the container depends on itself, or on a chain of more than %d containers; "
			       "replace one of them by a full copy (lxc-copy)",
			       config, VIEW_DEPTH_MAX);
	if (r == 0 && conf.stack.n && conf.rootfs_path)
		r = rootfs_parse(conf.rootfs_path, &rootfs);
	if (r == 0 && !conf.stack.n)
		r = view_rootfs(&conf, config, dir, out);
	else if (r == 0 && rootfs.upper)
		r = container_view_below(&conf, dir, depth, out)
			    ?: below ? 0
				     : view_upper(rootfs.upper, config, dir, out);
	else if (r == 0)
		r = view_stack(&conf.stack, dir, out);
	rootfs_clear(&rootfs);
	conf_clear(&conf);
	return r;
}

int container_view_below(const struct conf *conf, const char *dir, unsigned int depth, struct stack *out)
{
	_cleanup_free_ char *on = NULL;
	int r = dependencies_base(dir, &on);

	if (r < 0)
		return r;
	return on ? view_container(on, true, depth + 1, out) : view_stack(&conf->stack, dir, out);
}

int container_union(const char *dir, bool below, const char **ret)
{
	struct stack shown = { 0 };
	int r = view_container(dir, below, 0, &shown);

	*ret = view_union(&shown);
	stack_clear(&shown);
	return r;
}

int container_view(const struct spec *spec, const char *dir, struct stack *out)
{
	static unsigned int depth;
	_cleanup_free_ char *real = realpath(dir, NULL);
	int r;

	if (!real)
		return spec_refuse(spec, -errno, "directory '%s': %s", dir, strerror(errno));
	/* Containers that name each other recurse through here. */
	depth++;
	r = view_container(real, false, depth, out);
	depth--;
	return r;
}
