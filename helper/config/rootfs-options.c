/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * rootfs-options - the options in lxc.rootfs.options that LXC can apply to a
 * stack.
 *
 * LXC binds the finished stack to the place of the container's root, and
 * remounts it with the options that are flags of a mount. All others are options
 * of a file system, which is mounted before; the kernel takes and ignores them.
 */
#include "rootfs-options.h"
#include "../base/cleanup.h"
#include "../base/log.h"

#include <stdbool.h>
#include <string.h>

/* Test whether LXC applies the option. An unknown idmap= LXC refuses itself. */
static bool is_honoured(const char *option)
{
	static const char *const flags[] = {
		"ro",	    "rw",	  "suid",	 "nosuid",	  "dev",      "nodev",
		"exec",	    "noexec",	  "atime",	 "noatime",	  "diratime", "nodiratime",
		"relatime", "norelatime", "strictatime", "nostrictatime", "defaults", "bind",
		"rbind",    "",
	};

	for (size_t i = 0; i < ARRAY_SIZE(flags); i++)
		if (strcmp(option, flags[i]) == 0)
			return true;
	return strncmp(option, "idmap=", strlen("idmap=")) == 0;
}

int rootfs_options_check(const char *where, const char *options)
{
	_cleanup_free_ char *text = xstrdup(options);
	char *rest = text;

	while (rest) {
		const char *option = strsep(&rest, ",");

		if (!is_honoured(option))
			return log_refuse(-EINVAL,
					  "%s: lxc.rootfs.options: '%s' has no effect on a stack of bdev.rootfs, only "
					  "ro, nosuid, nodev, noexec, the atime options and idmap=container have; "
					  "remove it",
					  where, option);
	}
	return 0;
}
