/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* umount - release a stack that `mount` mounted on a directory, and nothing else. */
#include "../base/cleanup.h"
#include "../base/log.h"
#include "../record/release.h"
#include "../command/verb.h"

static int run(const struct args *args)
{
	_cleanup_free_ char *target = realpath(args->argv[0], NULL);
	struct journal journal;
	int r;

	if (!target)
		return log_errno(-errno, "directory '%s'", args->argv[0]);
	r = journal_open("", target, false, &journal);
	if (r == -ENOENT)
		return log_refuse(-EINVAL, "'%s': nothing of lxc-bdev is mounted there", target);
	return r < 0 ? r : release(&journal);
}

const struct verb verb_umount = {
	.name = "umount",
	.words = "TARGET",
	.summary = "unmount a stack, and wait until its images are free",
	.min = 1,
	.max = 1,
	.run = run,
};
