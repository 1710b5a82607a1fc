/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hook - what the verbs behind LXC's hooks share. They read none of LXC's
 * variables: config/bdev.conf hands them over as options.
 */
#include "hook.h"

int hook_container(const struct args *args, const char *type, struct container *ret)
{
	*ret = (struct container){ 0 };
	if (args->argc && (args->argc < 3 || strcmp(args->argv[2], type) != 0))
		return log_refuse(EXIT_USAGE, "called as LXC's %s hook; bdev.conf has the right lines",
				  args->argc < 3 ? "unknown" : args->argv[2]);
	if (!args->name || !args->config || !*args->name || !*args->config)
		return log_refuse(EXIT_USAGE, "needs --name and --config; bdev.conf has the right lines");
	return container_from_config(args->name, args->config, ret);
}

int hook_monitor(const struct args *args, struct process *ret)
{
	int r = proc_identify(args->monitor ?: getppid(), ret);

	return r < 0 ? log_errno(r, "find the monitor's process") : 0;
}
