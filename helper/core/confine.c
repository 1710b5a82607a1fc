/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * confine - out of lxc-start's AppArmor profile.
 *
 * Distributions confine lxc-start so that a container's start cannot mount
 * over the host. Hooks inherit that, while ours mount in places of their own.
 * The profile itself allows the way out ("change_profile -> unconfined"),
 * which LXC uses for the container's init.
 */
#include "confine.h"
#include "cleanup.h"
#include "log.h"

#include <fcntl.h>

void confine_leave_lxc(void)
{
	static const char command[] = "changeprofile unconfined";
	_cleanup_close_ int fd = open("/proc/thread-self/attr/apparmor/current", O_RDWR | O_CLOEXEC);
	char profile[256];
	ssize_t n;

	if (fd < 0)
		fd = open("/proc/thread-self/attr/current", O_RDWR | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, profile, sizeof(profile) - 1);
	if (n <= 0)
		return; /* no AppArmor */
	profile[n] = '\0';
	if (strstr(profile, "lxc-start") && write(fd, command, strlen(command)) < 0)
		log_debug("leave AppArmor profile '%s': %s, ignoring", profile, strerror(errno));
}
