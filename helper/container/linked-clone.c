/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* linked-clone - clones that depend on their base. */
#include "linked-clone.h"
#include "../config/rootfs-path.h"
#include "../stack/container-view.h"
#include "../base/cleanup.h"
#include "../config/config-edit.h"
#include "../config/dependencies.h"
#include "../base/log.h"

/* Test whether this line is a `bdev.rootfs`. */
static bool is_stack_line(const char *line)
{
	line += strspn(line, " \t");
	if (strncmp(line, "bdev.rootfs", strlen("bdev.rootfs")) != 0)
		return false;
	line += strlen("bdev.rootfs");
	return line[strspn(line, " \t")] == '=';
}

/* Remove the lines of the stack. */
static char *drop_stack(struct config_edit *edit, unsigned int number, char *line)
{
	(void)edit;
	(void)number;
	return is_stack_line(line) ? NULL : line;
}

/* Replace the stack in the config by a view of the base and an upper. Returns 0 or -errno (logged). */
static int rewrite(const struct container *container, const char *on, const char *type)
{
	_cleanup_free_ char *escaped = spec_escape(on);
	_cleanup_free_ char *lines = xasprintf("bdev.rootfs = container:%s\nbdev.rootfs = %s:delta0\n", escaped, type);
	struct config_edit edit = { .file = container->config, .line = drop_stack, .append = lines };

	return config_edit(&edit);
}

int linked_clone_make(const struct container *container, const struct container *source)
{
	_cleanup_free_ char *dir = container_called(container);
	const char *type;
	struct conf conf = { 0 };
	int r = container_union(source->dir, false, &type);

	if (r < 0)
		return r;
	r = dependencies_record(dir, source->dir);
	if (r < 0)
		return log_errno(r, "record that '%s' depends on '%s'", dir, source->dir);
	r = rewrite(container, source->dir, type);
	if (r == 0)
		r = conf_read(container->config, &conf);
	if (r == 0 && conf.stack.n != 2)
		r = log_refuse(-EINVAL,
			       "%s: bdev.clone = link, but there are bdev.rootfs lines in an included file: they "
			       "must be in the container's own config",
			       source->config);
	conf_clear(&conf);
	return r;
}

/*
 * Test whether a clone depends on the upper of its base. A clone by lxc-copy -s of one by lxc-copy -s has a copy of it,
 * and does not. Returns 1, 0 or -errno (logged).
 */
static int needs_upper(const char *clone)
{
	_cleanup_free_ char *config = xasprintf("%s/config", clone);
	struct rootfs rootfs = { 0 };
	struct conf conf = { 0 };
	int r;

	/* A directory without a config is no container, or an unfinished one. */
	if (access(config, F_OK) < 0)
		return errno == ENOENT ? 0 : log_errno(-errno, "look for '%s'", config);
	r = conf_read(config, &conf);
	if (r == 0 && conf.rootfs_path)
		r = rootfs_parse(conf.rootfs_path, &rootfs);
	if (r == 0)
		r = !rootfs.upper;
	rootfs_clear(&rootfs);
	conf_clear(&conf);
	return r;
}

int linked_clone_check_start(const struct container *container, const struct plan *plan)
{
	_cleanup_free_ char *clones = NULL;
	int r = plan->writer ? dependencies_clones(container->dir, plan->below ? needs_upper : NULL, &clones) : 0;

	return r > 0 ? spec_refuse(plan->writer, -EBUSY,
				   "container '%s' has linked clones, which depend on what a start would write to: %s; "
				   "destroy them first, or start a clone instead",
				   container->name, clones)
		     : r;
}
