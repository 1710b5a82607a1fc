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
#include "../core/hostname.h"
#include "../core/link.h"
#include "../core/origin.h"
#include "hook.h"

/* Nobody may write to what is being copied. 0 or -errno (logged). */
static int check_source(const struct container *source, const struct journal *journal)
{
	struct plan plan = { .dirfd = -EBADF };
	struct process monitor;
	struct conf conf = { 0 };
	int r;

	if (!journal_monitor(journal, &monitor) || !proc_alive(&monitor))
		return 0;
	r = conf_read(source->config, &conf);
	if (r == 0)
		r = container_plan(source, &conf, NULL, &plan);
	if (r == 0 && plan.writer)
		r = spec_refuse(plan.writer, -EBUSY, "not copied while '%s' runs and writes to it: stop it first",
				source->name);
	container_plan_close(&plan);
	conf_clear(&conf);
	return r;
}

static int clone(const struct container *container, const char *name, const struct conf *conf)
{
	_cleanup_free_ char *dir = origin_find(container, name, conf), *config = NULL;
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
		r = check_source(&source, &journal);
		if (r == 0)
			r = conf->link ? link_container(container, &source)
				       : clone_stack(&conf->stack, source.dir, container->dir);
		journal_unshare(&journal);
	}
	container_clear(&source);
	return r;
}

static int run(const struct args *args)
{
	struct container container;
	struct rootfs rootfs = { 0 };
	struct conf conf = { 0 };
	int r, name;

	r = hook_container(args, "clone", &container);
	if (r == 0)
		r = conf_read(container.config, &conf);
	if (r == 0 && conf.stack.n && args->rootfs)
		r = rootfs_parse(args->rootfs, &rootfs);
	if (r == 0 && conf.stack.n && !rootfs.upper) {
		r = clone(&container, args->source, &conf);
		/* Its name inside is no reason to fail. */
		if (r == 0 && conf.uts_name && (name = hostname_leave(container.dir, conf.uts_name)) < 0)
			log_warn("'%s': its host name cannot be left for its first start: %s", container.name,
				 strerror(-name));
	}
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
