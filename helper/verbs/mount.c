/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * mount - mount a stack on a directory of the host, without LXC.
 *
 * The stack is built detached, then attached in one step: if the process is killed before, nothing is mounted; if
 * after, the whole stack, and umount removes all of it. Relative paths start at the current directory.
 */
#include "../record-kinds/attachment.h"
#include "../record/owner.h"
#include "../stack/build.h"
#include "../base/cleanup.h"
#include "../base/log.h"
#include "../record/release.h"
#include "../command/verb.h"

#include <fcntl.h>

/*
 * Open and lock the journal of the target. Leftovers of a mount that has ended are released. Returns 0 or -errno
 * (logged).
 */
static int open_journal(const char *target, struct journal *journal)
{
	for (;;) {
		int r = journal_open("", target, true, journal);

		if (r < 0 || !journal->n)
			return r;
		/*
		 * Only under the lock: a directory opened before could be below a mount that another process has made
		 * since.
		 */
		r = attachment_is_there(journal);
		if (r)
			journal_close(journal);
		if (r < 0)
			return log_errno(r, "find out what is mounted on '%s'", target);
		if (r > 0)
			return log_refuse(-EBUSY, "'%s': a stack is mounted there already; lxc-bdev umount it first",
					  target);
		r = release(journal);
		if (r < 0)
			return r;
	}
}

static int mount_stack(const struct stack *stack, const char *dir, const char *target)
{
	struct plan plan = { .dir = dir, .dirfd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC) };
	_cleanup_close_ int built = -EBADF;
	struct journal journal;
	int r;

	r = plan_make(stack, &(struct plan_target){ .mount = target }, &plan);
	if (r == 0)
		r = open_journal(target, &journal);
	if (r == 0) {
		r = owner_begin(&journal, &(struct owner){ .name = target });
		if (r == 0)
			r = built = build_stack(&plan, &journal, 200);
		if (r >= 0)
			r = attachment_make(&journal, built, target);
		if (r < 0) {
			/* Close the stack first: the release waits for its images. */
			cleanup_close(&built);
			built = -EBADF;
			(void)release(&journal);
		} else {
			journal_close(&journal);
		}
	}
	plan_clear(&plan);
	cleanup_close(&plan.dirfd);
	return r;
}

static int run(const struct args *args)
{
	_cleanup_free_ char *dir = getcwd(NULL, 0), *target = realpath(args->argv[args->argc - 1], NULL);
	struct stack stack = { 0 };
	int r = 0;

	if (!target || !dir)
		return log_errno(-errno, "directory '%s'", args->argv[args->argc - 1]);
	for (int i = 0; r == 0 && i < args->argc - 1; i++) {
		_cleanup_free_ char *where = xasprintf("argument %d", i + 1);

		r = spec_add(&stack, args->argv[i], where);
	}
	if (r == 0)
		r = mount_stack(&stack, dir, target);
	stack_clear(&stack);
	return r;
}

const struct verb verb_mount = {
	.name = "mount",
	.words = "SPEC... TARGET",
	.summary = "mount a stack on a directory, lowest SPEC first",
	.min = 2,
	.max = -1,
	.run = run,
};
