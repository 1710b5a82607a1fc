/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * post-stop - release the container's stack, or keep it over a reboot.
 *
 * LXC runs this also after a start that failed at any point. It returns only
 * when images and uppers are free: lxc-stop waits for it. What is undone, and in which order, is in record/release.c.
 */
#include "../record/owner.h"
#include "../record/release.h"
#include "hook.h"

static int run(const struct args *args)
{
	const struct hook_options *options = args->options;
	struct journal journal = { .dirfd = -EBADF, .fd = -EBADF };
	struct container container;
	struct process monitor;
	int r;

	r = hook_container(args, "post-stop", &container);
	if (r == 0)
		r = hook_monitor(args, &monitor);
	if (r == 0)
		r = journal_open_container(&container, false, &journal);
	if (r == -ENOENT) {
		r = 0;
	} else if (r == 0) {
		const struct owner *owner = owner_of(&journal);
		bool ours = owner->monitor.pid == monitor.pid && owner->monitor.start == monitor.start;
		bool reboot = options->target && strcmp(options->target, "reboot") == 0;

		/* A journal without a monitor is of a pre-start that died early: under the lock, nobody is writing it.
		 */
		if (owner->monitor.pid && !ours)
			log_info("'%s': belongs to a later start, left alone", container.name);
		else if (!reboot || !owner->keep)
			r = release(&journal);
	}
	journal_close(&journal);
	container_clear(&container);
	return r;
}

const struct verb verb_post_stop =
	HOOK_VERB("post-stop", "release a container's root file system, or keep it over a reboot", run);
