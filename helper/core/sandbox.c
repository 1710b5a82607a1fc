/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sandbox - QEMU opens what it was given, whatever the images say.
 *
 * We have read the headers, but QEMU reads them again: whoever can write to an
 * image in between could name any file of the host. Landlock(7) needs no
 * policy of the distribution's and no privilege.
 */
#include "sandbox.h"
#include "cleanup.h"

#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#define READ  (LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define WRITE (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE)
/* All of the first version: what is handled and not allowed is denied. */
#define HANDLED ((LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1)

static void allow(int ruleset, int fd, unsigned long long access)
{
	struct landlock_path_beneath_attr rule = { .parent_fd = fd, .allowed_access = access };

	(void)syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
}

void sandbox_enter(const int *files, size_t n)
{
	static const char *const dirs[] = { "/usr", "/bin", "/lib", "/lib64", "/etc", "/proc", "/sys", "/dev" };
	struct landlock_ruleset_attr attr = { .handled_access_fs = HANDLED };
	_cleanup_close_ int null = open("/dev/null", O_PATH | O_CLOEXEC);
	_cleanup_close_ int ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);

	if (ruleset < 0)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		_cleanup_close_ int fd = open(dirs[i], O_PATH | O_CLOEXEC);

		if (fd >= 0)
			allow(ruleset, fd, READ);
	}
	/* QEMU tries out locks on it. */
	if (null >= 0)
		allow(ruleset, null, WRITE);
	for (size_t i = 0; i < n; i++)
		allow(ruleset, files[i], WRITE);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0)
		(void)syscall(SYS_landlock_restrict_self, ruleset, 0);
}
