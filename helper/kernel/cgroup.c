/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cgroup - the cgroup of the servers. In the caller's, the end of a session or a service would kill them.
 */
#include "cgroup.h"
#include "../base/cleanup.h"

#include <fcntl.h>
#include <sys/stat.h>

#define CGROUP "lxc-bdev"

/* cgroup2, its place beside version 1, and those of version 1 that kill, freeze or limit. */
static const char *const hierarchies[] = { "/sys/fs/cgroup",	     "/sys/fs/cgroup/unified", "/sys/fs/cgroup/systemd",
					   "/sys/fs/cgroup/freezer", "/sys/fs/cgroup/memory",  "/sys/fs/cgroup/pids" };

static void write_file(const char *path, const char *text)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd >= 0)
		(void)!write(fd, text, strlen(text));
}

/*
 * By a process of its own, since the kernel makes whoever moves a process wait for an RCU grace period, 10 to 25 ms, in
 * which the server can start.
 */
pid_t cgroup_move(pid_t pid)
{
	char text[24];
	pid_t mover = fork();

	if (mover != 0)
		return mover;
	(void)snprintf(text, sizeof(text), "%d", (int)pid);
	for (size_t i = 0; i < ARRAY_SIZE(hierarchies); i++) {
		_cleanup_free_ char *dir = xasprintf("%s/" CGROUP, hierarchies[i]);
		_cleanup_free_ char *procs = xasprintf("%s/cgroup.procs", dir);
		_cleanup_free_ char *above = xasprintf("%s/cgroup.procs", hierarchies[i]);

		if (access(above, F_OK) == 0 && (mkdir(dir, 0755) == 0 || errno == EEXIST))
			write_file(procs, text);
	}
	_exit(0);
}

void cgroup_tidy(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(hierarchies); i++) {
		_cleanup_free_ char *dir = xasprintf("%s/" CGROUP, hierarchies[i]);

		(void)rmdir(dir);
	}
}
