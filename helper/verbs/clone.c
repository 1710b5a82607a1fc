/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * clone - give the new container its own copy of what the source owns.
 *
 * Its config has the source's specs: relative paths are copied, absolute ones
 * shared. With `bdev.clone = link` it stands on the source instead. Of what
 * lxc-copy -s or -e makes, nothing is copied: LXC puts an overlay on the
 * source's stack, and a start finds that.
 */
#include "../core/clone.h"
#include "../core/copyable.h"
#include "../core/hostname.h"
#include "../core/link.h"
#include "../core/origin.h"
#include "../core/path.h"
#include "../core/snapshots.h"
#include "hook.h"

/* A snapshot is a copy, and what is restored from it: with the one that it is of, it would go. */
static bool is_snapshot(const struct container *container, const struct container *source)
{
	return path_below(container->dir, source->dir) || path_below(source->dir, container->dir) ||
	       snapshots_is_one(source->dir) || snapshots_is_one(container->dir);
}

/* LXC had read its config before: it may have been converted since. 0 or -errno (logged). */
static int check_config(const struct container *source, const struct conf *conf)
{
	struct conf now = { 0 };
	int r = conf_read(source->config, &now);

	if (r == 0 && !origin_same_stack(&now.stack, &conf->stack))
		r = log_refuse(-EAGAIN, "'%s': its config was changed meanwhile: copy it again", source->dir);
	conf_clear(&now);
	return r;
}

static int copy(const struct container *container, const struct container *source, const struct conf *conf, bool rename)
{
	bool link = conf->link && !rename && !is_snapshot(container, source);
	_cleanup_free_ char *called = container_called(container);
	_cleanup_close_ int mark = -EBADF;
	int r = link ? 0 : copyable_apart(source, &conf->stack, container->name), name;

	if (r == 0)
		r = mark = container_mark(container);
	if (r >= 0)
		r = link ? link_container(container, source)
			 : clone_stack(&conf->stack, source->dir, container->dir, called);
	if (r < 0)
		return r;
	/* Its name inside is no reason to fail. */
	if (conf->uts_name && (link || clone_owns(&conf->stack.specs[conf->stack.n - 1])) &&
	    (name = hostname_leave(container->dir, conf->uts_name)) < 0)
		log_warn("'%s': its host name cannot be left for its first start: %s", container->name,
			 strerror(-name));
	return container_unmark(container);
}

static int clone(const struct container *container, const char *name, const struct conf *conf)
{
	bool rename = false;
	_cleanup_free_ char *dir = origin_find(container, name, conf, &rename), *config = NULL;
	struct container source;
	struct journal journal;
	int r;

	if (!dir)
		return -ENOENT;
	config = xasprintf("%s/config", dir);
	r = container_from_config(name, config, &source);
	if (r == 0)
		r = journal_share(source.dir, source.name, &journal);
	if (r == 0) {
		r = copyable_now(&source) ?: check_config(&source, conf) ?: copy(container, &source, conf, rename);
		journal_unshare(&journal);
	}
	container_clear(&source);
	return r;
}

/* LXC puts an overlay on what the source shows. 0 or -EINVAL (logged). */
static int check_overlay(const struct container *container)
{
	const char *type = container_union(container->dir, true);

	if (type && strcmp(type, "aufs") == 0)
		return log_refuse(
			-EINVAL,
			"'%s': not cloned: LXC would put an overlay on an aufs, which crashes the kernel; use "
			"bdev.clone = link, or lxc-bdev ephemeral",
			container->name);
	return type ? 0 : -EINVAL;
}

static int run(const struct args *args)
{
	struct container container;
	struct rootfs rootfs = { 0 };
	struct conf conf = { 0 };
	int r;

	r = hook_container(args, "clone", &container);
	if (r == 0)
		r = conf_read(container.config, &conf);
	if (r == 0 && conf.stack.n && args->rootfs)
		r = rootfs_parse(args->rootfs, &rootfs);
	/* Our parent is a child of LXC's program, and outlives it. */
	clone_end_with(proc_parent(getppid()));
	if (r == 0 && conf.stack.n)
		r = rootfs.upper ? check_overlay(&container) : clone(&container, args->source, &conf);
	rootfs_clear(&rootfs);
	conf_clear(&conf);
	container_clear(&container);
	return r;
}

const struct verb verb_clone = {
	.name = "clone",
	.options = "nfRS",
	.max = -1,
	.run = run,
};
