/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * directory - what a directory has in it.
 */
#include "directory.h"
#include "cleanup.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>

static bool is_one_of(const char *name, const char *const *names)
{
	for (; names && *names; names++)
		if (strcmp(name, *names) == 0)
			return true;
	return false;
}

int directory_is_empty(int fd, const char *const *except)
{
	int again = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 1;
	DIR *dir = again < 0 ? NULL : fdopendir(again);
	const struct dirent *entry;

	if (!dir) {
		r = -errno;
		cleanup_close(&again);
		return r;
	}
	while (r == 1 && (errno = 0, entry = readdir(dir)))
		r = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
		    is_one_of(entry->d_name, except);
	if (r == 1 && errno)
		r = -errno;
	(void)closedir(dir);
	return r;
}
