/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../base/process.h"
#include "../base/cleanup.h"
#include "../config/config-file.h"
#include "../config/container.h"
#include "../record/journal.h"
#include "../base/log.h"
#include "../command/verb.h"

/* What the scripts in hooks/ hand over. LXC has no value for some of it, which is then empty. */
struct hook_options {
	const char *name, *config, *rootfs, *target, *source, *called_as;
	pid_t monitor; /* 0: not given */
};

extern const struct verb_option hook_table[];

/* How a hook is described: `lxc-bdev-hook TYPE`. */
#define HOOK_VERB(type, about, function)                                                                    \
	{                                                                                                   \
		.name = type, .summary = about, .options = hook_table, .size = sizeof(struct hook_options), \
		.run = function,                                                                            \
	}

/*
 * Find the container of a hook of this type, and leave the AppArmor profile of lxc-start. Returns 0, -errno, or an exit
 * code, after an error line. A hook that LXC runs as one of another type is refused: the script says so (--called-as).
 */
int hook_container(const struct args *args, const char *type, struct container *ret);

/* Identify the container's monitor: --monitor, or else the parent process. Returns 0 or -errno (logged). */
int hook_monitor(const struct args *args, struct process *ret);
