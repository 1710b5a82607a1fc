/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hook - what the verbs behind LXC's hooks share. The scripts in hooks/ know how
 * LXC calls a hook, and run these verbs with options.
 */
#include "hook.h"
#include "../kernel/namespace.h"
#include "../kernel/apparmor.h"

/* Set the rootfs path; LXC passes an empty one if it has no rootfs. */
static int take_rootfs(const struct verb_option *option, const char *value, void *target)
{
	return *value ? option_text(option, value, target) : 0;
}

#define ENTRY(option, short_form, shown, about, function, member)                                             \
	{                                                                                                     \
		.name = option, .letter = short_form, .value = shown, .summary = about, .may_be_empty = true, \
		.take = function, AT(struct hook_options, member)                                             \
	}

const struct verb_option hook_table[] = {
	ENTRY("name", 'n', "NAME", "the container", option_text, name),
	ENTRY("config", 'f', "FILE", "its config file", option_text, config),
	ENTRY("rootfs", 0, "PATH", "lxc.rootfs.path, as LXC hands it over", take_rootfs, rootfs),
	ENTRY("target", 0, "TARGET", "stop or reboot", option_text, target),
	ENTRY("source", 0, "NAME", "the container that is cloned", option_text, source),
	ENTRY("monitor", 0, "PID", "the process that the hook runs for", option_pid, monitor),
	ENTRY("called-as", 0, "TYPE", "refuse: LXC runs the hook as one of this type", option_text, called_as),
	{ .name = NULL },
};

/*
 * Leave the AppArmor profile of lxc-start. Where that profile does not allow it the hook goes on, since a profile may
 * allow all that this container needs; a denial then names the profile. 0 or -errno (logged).
 */
static int leave_profile(void)
{
	_cleanup_free_ char *profile = NULL;
	static char remark[512];
	int r = apparmor_leave(&profile);

	if (r < 0)
		return log_errno(r, "read which AppArmor profile the hook runs in");
	if (r == 1) {
		(void)snprintf(remark, sizeof(remark),
			       "AppArmor profile '%s' may have denied it; add the rule '%s' to that profile", profile,
			       APPARMOR_RULE);
		log_denied_by(remark);
	}
	return 0;
}

int hook_container(const struct args *args, const char *type, struct container *ret)
{
	const struct hook_options *options = args->options;
	int r;

	*ret = (struct container){ 0 };
	/* Those of lxc-copy, lxc-snapshot and lxc-destroy; a start has a log that lxc-start names. */
	if (strcmp(type, "clone") == 0 || strcmp(type, "destroy") == 0)
		log_to_terminal();
	if (options->called_as)
		return log_refuse(EXIT_USAGE, "called as LXC's %s hook; bdev.conf has the right lines",
				  *options->called_as ? options->called_as : "unknown");
	if (!options->name || !options->config || !*options->name || !*options->config)
		return log_refuse(EXIT_USAGE, "missing container name or config file; use --name and --config");
	r = leave_profile();
	return r < 0 ? r : container_from_config(options->name, options->config, ret);
}

int hook_monitor(const struct args *args, struct process *ret)
{
	const struct hook_options *options = args->options;
	pid_t pid = options->monitor ?: getppid();
	int r = process_identify(pid, ret), same;

	if (r < 0)
		return log_errno(r, "find the monitor's process");
	same = namespace_is_ours(pid);
	/* When it dies before the hook's shell looks, $PPID is init or the like, which never ends. */
	if (same == 0 || same == -ENOENT || (same < 0 && pid == 1))
		return log_refuse(-ESRCH, "the monitor has died");
	return same < 0 ? log_errno(same, "find the mount namespace of the monitor (pid %d)", (int)pid) : 0;
}
