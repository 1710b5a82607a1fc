/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * lxc-bdev-hook - what LXC's hooks run: see the scripts in hooks/, which turn LXC's protocol into these verbs' options.
 *
 * It is a program of its own so that it can be small and static: a hook is one exec, of which the dynamic linker would
 * be the larger part, and no library of a container's is ever loaded. Nothing in it asks LXC, whose monitor waits for
 * the hook to end.
 */
#include "command/command.h"

#include <stddef.h>

#define HOOK_VERBS(X) \
	X(pre_start)  \
	X(post_stop)  \
	X(clone)      \
	X(destroy)

#define DECLARE(v) extern const struct verb verb_##v;
HOOK_VERBS(DECLARE)

#define ENTRY(v) &verb_##v,
static const struct verb *const verbs[] = { HOOK_VERBS(ENTRY) NULL };

int main(int argc, char **argv)
{
	const struct program program = {
		.name = "lxc-bdev-hook",
		.summary = "The verbs behind LXC's hooks, run by the scripts that bdev.conf names: see bdev.conf(5).",
		.verbs = verbs,
	};

	return command_run(&program, argc, argv);
}
