/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * apparmor - leave the AppArmor profile that confines lxc-start.
 *
 * Distributions confine lxc-start so that a container's start cannot mount
 * over the host. Hooks inherit the profile, while ours mount in other places.
 * The profile itself allows the way out ("change_profile -> unconfined"),
 * which LXC uses for the container's init.
 */
#include "apparmor.h"
#include "../base/cleanup.h"

#include <fcntl.h>
#include <stdbool.h>
#include <sys/wait.h>

#define CURRENT		  "/proc/thread-self/attr/apparmor/current" /* since Linux 5.8 */
#define PROFILES	  "/sys/kernel/security/apparmor/profiles"
#define PROFILE_MAX_BYTES 4096

enum child_status { LEFT, CONFINED, UNKNOWN };

/*
 * Cut a line "NAME (MODE)" behind the profile's name. Returns it, or NULL: the profile does not confine. Its mode is
 * then "complain" or "unconfined", and the label "unconfined" has no mode.
 */
static char *enforced(char *line)
{
	char *mode;

	line[strcspn(line, "\n")] = '\0';
	mode = strrchr(line, '(');
	if (!mode || mode == line || (strcmp(mode, "(enforce)") != 0 && strcmp(mode, "(kill)") != 0))
		return NULL;
	mode[-1] = '\0';
	return line;
}

/* Read the profile that confines this thread. Returns 1, 0: none; -EOPNOTSUPP: no AppArmor; or -errno. */
static int current_profile(char **ret_profile)
{
	_cleanup_close_ int fd = open(CURRENT, O_RDONLY | O_CLOEXEC);
	char label[PROFILE_MAX_BYTES], *profile;
	ssize_t n;

	if (fd < 0)
		return errno == ENOENT ? -EOPNOTSUPP : -errno;
	n = read(fd, label, sizeof(label) - 1);
	if (n < 0)
		return errno == EINVAL ? -EOPNOTSUPP : -errno; /* built in, and switched off */
	label[n] = '\0';
	profile = enforced(label);
	if (!profile)
		return 0;
	*ret_profile = xstrdup(profile);
	return 1;
}

/*
 * Change to another profile. The kernel takes the command as one write at offset 0; a descriptor that was read from
 * gives EINVAL (security/apparmor/lsm.c, apparmor_setprocattr). Returns 0 or -errno.
 */
static int change_profile(const char *profile)
{
	_cleanup_close_ int fd = open(CURRENT, O_WRONLY | O_CLOEXEC);
	_cleanup_free_ char *command = xasprintf("changeprofile %s", profile);

	if (fd < 0)
		return -errno;
	return write(fd, command, strlen(command)) < 0 ? -errno : 0;
}

int apparmor_leave(char **ret_profile)
{
	_cleanup_free_ char *profile = NULL;
	int r = current_profile(&profile);

	if (r == 0 || r == -EOPNOTSUPP)
		return 0;
	if (r < 0)
		return r;
	if (change_profile("unconfined") == 0)
		return 0;
	*ret_profile = TAKE_PTR(profile);
	return 1;
}

/* Find the loaded profile of lxc-start. Returns 1, 0: none; or -errno: the profiles cannot be listed. */
static int lxc_start_profile(char **ret_profile)
{
	_cleanup_free_ char *line = NULL;
	size_t size = 0;
	int r = 0;
	FILE *file = fopen(PROFILES, "re");

	if (!file)
		return -errno;
	while (r == 0 && getline(&line, &size, file) > 0) {
		const char *profile = enforced(line), *base = profile ? strrchr(profile, '/') : NULL;

		/* The profile's name is the program's path, or its name alone. */
		if (!profile || strcmp(base ? base + 1 : profile, "lxc-start") != 0)
			continue;
		*ret_profile = xstrdup(profile);
		r = 1;
	}
	if (r == 0 && ferror(file))
		r = -EIO;
	(void)fclose(file);
	return r;
}

/* In a child: enter the profile, then leave it. */
static enum child_status try_to_leave(const char *profile)
{
	_cleanup_free_ char *left = NULL;
	int r = change_profile(profile);

	if (r < 0)
		return UNKNOWN;
	r = apparmor_leave(&left);
	return r == 0 ? LEFT : r == 1 ? CONFINED : UNKNOWN;
}

int apparmor_foresee(char **ret_profile)
{
	_cleanup_free_ char *profile = NULL;
	int status, r = current_profile(&profile);
	pid_t pid;

	if (r == -EOPNOTSUPP)
		return 0;
	/* A confined process starts lxc-start in the same profile, or in one that this one names. */
	if (r == 0)
		r = lxc_start_profile(&profile);
	if (r <= 0)
		return r == -EACCES || r == -ENOENT ? -ENODATA : r;
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0)
		_exit(try_to_leave(profile));
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	if (!WIFEXITED(status) || WEXITSTATUS(status) == UNKNOWN)
		return -ENODATA;
	if (WEXITSTATUS(status) == LEFT)
		return 0;
	*ret_profile = TAKE_PTR(profile);
	return 1;
}
