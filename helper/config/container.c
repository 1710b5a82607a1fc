/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * container - a container's identity, and the marks of an incomplete one in its
 * directory.
 */
#include "container.h"
#include "lxcpath.h"
#include "../base/cleanup.h"
#include "../base/log.h"
#include "config-file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#define MARK ".lxc-bdev.cloning"

int container_from_config(const char *name, const char *config, struct container *ret)
{
	_cleanup_free_ char *copy = xstrdup(config);
	char *slash = strrchr(copy, '/'), *dir;

	*ret = (struct container){ 0 };
	/* LXC's daemon changes to / before its hooks run. */
	if (*config != '/' && access(config, F_OK) < 0)
		return log_errno(-errno, "config '%s' (lxc-start -f needs an absolute path, or -F)", config);
	if (slash)
		slash[slash == copy] = '\0';
	dir = realpath(slash ? copy : ".", NULL);
	if (!dir)
		return log_errno(-errno, "directory of config '%s'", config);
	ret->name = xstrdup(name);
	ret->config = xstrdup(config);
	ret->dir = dir;
	return 0;
}

int container_from_lxcpath(const char *name, const char *lxcpath, struct container *ret)
{
	_cleanup_free_ char *base = lxcpath ? xstrdup(lxcpath) : lxcpath_default();
	_cleanup_free_ char *config = xasprintf("%s/%s/config", base, name);

	*ret = (struct container){ 0 };
	if (!*name || strchr(name, '/'))
		return log_refuse(-EMALFORMED, "'%s' is not a container's name", name);
	if (access(config, F_OK) < 0)
		return log_errno(-errno, "container '%s': config '%s'", name, config);
	return container_from_config(name, config, ret);
}

void container_clear(struct container *container)
{
	free(container->name);
	free(container->config);
	free(container->dir);
	*container = (struct container){ 0 };
}

int container_mark(const struct container *container)
{
	_cleanup_free_ char *path = xasprintf("%s/" MARK, container->dir);
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0)
		return log_errno(-errno, "write '%s'", path);
	return TAKE_FD(fd);
}

int container_unmark(const struct container *container)
{
	_cleanup_free_ char *path = xasprintf("%s/" MARK, container->dir);

	return unlink(path) < 0 ? log_errno(-errno, "remove '%s'", path) : 0;
}

int container_is_being_made(const char *dir)
{
	_cleanup_free_ char *path = xasprintf("%s/" MARK, dir);
	_cleanup_close_ int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	return fd < 0 ? -errno : flock(fd, LOCK_EX | LOCK_NB) == 0 ? 0 : errno == EWOULDBLOCK ? 1 : -errno;
}

int container_is_marked(const char *dir)
{
	_cleanup_free_ char *path = xasprintf("%s/" MARK, dir);
	struct stat st;

	return lstat(path, &st) == 0 ? 1 : errno == ENOENT ? 0 : -errno;
}

int container_check_whole(const char *dir)
{
	_cleanup_free_ char *converting = xasprintf("%s/" CONTAINER_CONVERTING, dir);
	int marked = container_is_marked(dir);
	char form[16];
	ssize_t n;

	if (marked < 0)
		return log_errno(marked, "'%s': look for '" MARK "' in it, which marks an interrupted copy", dir);
	if (marked)
		return log_refuse(
			-EINVAL,
			"'%s': not all of it is there: making it was interrupted; destroy it and make it again", dir);
	n = readlink(converting, form, sizeof(form));
	if (n < 0)
		return errno == ENOENT ? 0
				       : log_errno(-errno, "'%s': look for '%s', which marks an interrupted conversion",
						   dir, converting);
	return log_refuse(
		-EINVAL,
		"'%s': converting its delta was interrupted; lxc-bdev convert -P '%.*s' -n %s %.*s does the rest", dir,
		(int)(strrchr(dir, '/') - dir), dir, strrchr(dir, '/') + 1, (int)n, form);
}

char *container_called(const struct container *container)
{
	char *dir = xstrdup(container->config), *slash = strrchr(dir, '/');

	if (slash)
		*slash = '\0';
	return dir;
}
