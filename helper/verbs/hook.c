/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hook - what the verbs behind LXC's hooks share. They read none of LXC's
 * variables: config/bdev.conf hands them over as options.
 */
#include "hook.h"
#include "../core/confine.h"

/*
 * The type of hook we were called as: `type` if that can be. Version 0 appends NAME, "lxc" and TYPE unquoted, so a name
 * with blanks is many words; behind them, for clone, come the user's own.
 */
static const char *called_as(const struct args *args, const char *type)
{
	const char *found = "unknown";

	for (int i = 2; i < args->argc; i++) {
		if (strcmp(args->argv[i - 1], "lxc") != 0)
			continue;
		found = args->argv[i];
		if (strcmp(found, type) == 0)
			break;
	}
	return found;
}

int hook_container(const struct args *args, const char *type, struct container *ret)
{
	*ret = (struct container){ 0 };
	if (args->argc && strcmp(called_as(args, type), type) != 0)
		return log_refuse(EXIT_USAGE, "called as LXC's %s hook; bdev.conf has the right lines",
				  called_as(args, type));
	if (!args->name || !args->config || !*args->name || !*args->config)
		return log_refuse(EXIT_USAGE, "needs --name and --config; bdev.conf has the right lines");
	confine_leave_lxc();
	return container_from_config(args->name, args->config, ret);
}

int hook_monitor(const struct args *args, struct process *ret)
{
	pid_t pid = args->monitor ?: getppid();
	int r = proc_identify(pid, ret), same = proc_in_our_namespace(pid);

	if (r < 0)
		return log_errno(r, "find the monitor's process");
	/* When it dies before the hook's shell looks, $PPID is init or the like, which never ends. */
	if (same == 0 || (same < 0 && pid == 1))
		return log_refuse(-ESRCH, "the monitor has died");
	return 0;
}
