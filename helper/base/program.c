/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * program - find the programs of other packages.
 *
 * Several LXCs or QEMUs may be installed beside each other. LXC's programs are
 * those of the LXC that runs the container and our hooks. All others are the
 * ones that the administrator's shell would run.
 */
#include "program.h"
#include "cleanup.h"

#include <sys/stat.h>

#define SYSTEM_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* Look for a program in directories separated by ':'. Returns its path, for the caller to free, or NULL. */
static char *find_in(const char *dirs, const char *name)
{
	_cleanup_free_ char *copy = xstrdup(dirs);
	char *rest = copy, *dir;

	while ((dir = strsep(&rest, ":"))) {
		_cleanup_free_ char *path = xasprintf("%s/%s", dir, name);
		struct stat st;

		/* Skip relative directories and "": they depend on the current directory, where any user may have
		 * files. */
		if (*dir == '/' && stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0)
			return TAKE_PTR(path);
	}
	return NULL;
}

char *program_path(void)
{
	const char *path = getenv("PATH");
	_cleanup_free_ char *copy = xstrdup(path ?: ""), *taken = xstrdup("PATH=");
	char *rest = copy, *dir;

	while ((dir = strsep(&rest, ":"))) {
		char *longer = *dir == '/' ? xasprintf("%s%s:", taken, dir) : NULL;

		if (longer) {
			free(taken);
			taken = longer;
		}
	}
	return xasprintf("%s" SYSTEM_PATH, taken);
}

static char *find(const char *name, const char *dirs)
{
	char *found = NULL;

	if (strncmp(name, "lxc-", strlen("lxc-")) == 0)
		found = find_in(LXC_BINDIR, name);
	else if (strncmp(name, "qemu-", strlen("qemu-")) == 0)
		found = find_in(QEMU_BINDIR, name);
	return found ?: find_in(dirs, name);
}

char *program_find(const char *name)
{
	_cleanup_free_ char *path = program_path();

	return find(name, path + strlen("PATH="));
}

char *program_find_system(const char *name)
{
	return find(name, SYSTEM_PATH);
}
