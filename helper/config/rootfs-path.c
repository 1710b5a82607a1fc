/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * rootfs-path - parse lxc.rootfs.path: the directory that a stack is attached
 * to.
 *
 * Depending on the command that started the container, it is /PATH,
 * TYPE:/PATH or [TYPE:]/LOWER:/UPPER.
 */
#include "rootfs-path.h"
#include "../base/cleanup.h"
#include "../base/log.h"
#include "../base/path.h"

#include <stdlib.h>

int rootfs_parse(const char *text, struct rootfs *ret)
{
	const char *path = text, *colon = strchr(text, ':'), *end;

	*ret = (struct rootfs){ 0 };
	/* "TYPE:/...": a type has no slash in it. */
	if (*text != '/' && colon && !memchr(text, '/', (size_t)(colon - text)))
		path = colon + 1;
	if (*path != '/')
		return log_refuse(-EINVAL, "lxc.rootfs.path '%s': not an absolute path", text);
	end = strstr(path, ":/");
	ret->path = end ? xstrndup(path, (size_t)(end - path)) : xstrdup(path);
	/* The first path is the lowest lower, the last one the upper. */
	for (; end; end = strstr(end + 1, ":/"))
		ret->upper = (free(ret->upper), xstrdup(end + 1));
	return 0;
}

void rootfs_clear(struct rootfs *rootfs)
{
	free(rootfs->path);
	free(rootfs->upper);
	*rootfs = (struct rootfs){ 0 };
}

/* Resolve symlinks: *ret, for the caller to free, or NULL: no such file. Returns 0 or -errno (logged). */
static int resolve(const char *path, char **ret)
{
	*ret = realpath(path, NULL);
	return *ret || errno == ENOENT || errno == ENOTDIR ? 0 : log_errno(-errno, "look up '%s'", path);
}

int rootfs_shared(const struct rootfs *rootfs, const struct stack *stack, char **ret)
{
	_cleanup_free_ char *root = NULL;
	int r = resolve(rootfs->path, &root);

	*ret = NULL;
	for (size_t i = 0; r == 0 && root && i < stack->n; i++) {
		for (size_t k = 0; r == 0 && k < stack->specs[i].nsources; k++) {
			const char *source = stack->specs[i].sources[k];
			_cleanup_free_ char *real = NULL;

			r = *source == '/' ? resolve(source, &real) : 0;
			if (real && path_below(real, root)) {
				*ret = xstrdup(source);
				return 1;
			}
		}
	}
	return r;
}
