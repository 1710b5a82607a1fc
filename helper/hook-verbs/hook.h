/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../base/process.h"
#include "../base/cleanup.h"
#include "../config/config-file.h"
#include "../config/container.h"
#include "../record/journal.h"
#include "../base/log.h"
#include "../command/verb.h"

/* What the hook lines of bdev.conf hand over. LXC has no value for some of it, which is then empty. */
struct hook_options {
	const char *name, *config, *rootfs, *target, *source;
	pid_t monitor; /* 0: not given */
};

extern const struct verb_option hook_table[];

/* How a hook is described: `lxc-bdev TYPE`. */
#define HOOK_VERB(type, function)                                                                \
	{                                                                                        \
		.name = type, .summary = "LXC's hook of that name", .options = hook_table,       \
		.size = sizeof(struct hook_options), .hidden = true, .max = -1, .run = function, \
	}

/*
 * Check how LXC called the hook: with version 0 it appends NAME, SECTION and TYPE, which must be this verb's; with
 * version 1 nothing. Then find the container. 0, -errno or an exit code, after an error line.
 */
int hook_container(const struct args *args, const char *type, struct container *ret);

/* Who the monitor is: given by the hook line, since our parent may be a wrapper. 0 or -errno (logged). */
int hook_monitor(const struct args *args, struct process *ret);
