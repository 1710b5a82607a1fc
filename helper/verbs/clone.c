/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * clone - refuse what would leave two containers with one writable store.
 *
 * The new container's config has the source's specs. A stack that writes
 * nothing lasting (read-only images, an upper on a tmpfs) serves both; any
 * other must be copied, which is not done here.
 */
#include "../core/plan.h"
#include "hook.h"

static int run(const struct args *args)
{
	struct plan plan = { .dirfd = -EBADF };
	struct container container;
	struct conf conf = { 0 };
	int r;

	r = hook_container(args, "clone", &container);
	if (r == 0)
		r = conf_read(container.config, &conf);
	if (r == 0 && conf.stack.n)
		r = container_plan(&container, &conf, args->rootfs, &plan);
	if (r == 0 && plan.writer)
		r = spec_refuse(plan.writer, -EINVAL,
				"not cloned: '%s' and its source would both write to it; make it read-only "
				"below a tmpfs and an overlay, or give the new container its own",
				container.name);
	container_plan_close(&plan);
	conf_clear(&conf);
	container_clear(&container);
	return r;
}

const struct verb verb_clone = {
	.name = "clone",
	.options = "nfR",
	.max = -1,
	.run = run,
};
