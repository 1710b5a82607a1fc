/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * lxc-bdev - backing storage for LXC containers: the table of verbs.
 *
 * The verbs behind LXC's hooks are in a program of their own, see hook.c.
 */
#include "command/command.h"

#define VERBS(X)     \
	X(mount)     \
	X(umount)    \
	X(plan)      \
	X(status)    \
	X(types)     \
	X(doctor)    \
	X(ephemeral) \
	X(convert)   \
	X(commit)    \
	X(layer)     \
	X(depend)    \
	X(hooked)    \
	X(run_child)

#define DECLARE(v) extern const struct verb verb_##v;
VERBS(DECLARE)

#define ENTRY(v) &verb_##v,
static const struct verb *const verbs[] = { VERBS(ENTRY) NULL };

int main(int argc, char **argv)
{
	const struct program program = {
		.name = "lxc-bdev",
		.summary = "Backing storage for LXC containers: see lxc-bdev(8) and bdev.conf(5).",
		.verbs = verbs,
	};

	return command_run(&program, argc, argv);
}
