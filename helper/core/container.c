/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * container - from what LXC calls a container to its directory, journal and plan.
 */
#include "container.h"
#include "cleanup.h"
#include "log.h"
#include "path.h"

#include <fcntl.h>
#include <limits.h>

int container_from_config(const char *name, const char *config, struct container *ret)
{
	_cleanup_free_ char *copy = xstrdup(config);
	char *slash = strrchr(copy, '/'), *dir;

	*ret = (struct container){ 0 };
	/* LXC's daemon has changed to / before its hooks run. */
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
	_cleanup_free_ char *base = lxcpath ? xstrdup(lxcpath) : conf_lxcpath();
	_cleanup_free_ char *config = xasprintf("%s/%s/config", base, name);

	*ret = (struct container){ 0 };
	if (!*name || strchr(name, '/'))
		return log_refuse(-EINVAL, "'%s' is not a container's name", name);
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

int container_journal(const struct container *container, bool create, struct journal *ret)
{
	return journal_open(container->dir, container->name, create, ret);
}

int rootfs_parse(const char *text, struct rootfs *ret)
{
	const char *path = text, *colon = strchr(text, ':'), *end;

	/* "TYPE:/...": a type has no slash in it. */
	if (*text != '/' && colon && !memchr(text, '/', (size_t)(colon - text)))
		path = colon + 1;
	if (*path != '/')
		return log_refuse(-EINVAL, "lxc.rootfs.path '%s': not an absolute path", text);
	end = strstr(path, ":/");
	*ret = (struct rootfs){ .path = end ? xstrndup(path, (size_t)(end - path)) : xstrdup(path), .overlay = end };
	return 0;
}

char *rootfs_shared(const struct rootfs *rootfs, const struct stack *stack)
{
	_cleanup_free_ char *root = realpath(rootfs->path, NULL);

	for (size_t i = 0; root && i < stack->n; i++) {
		for (size_t k = 0; k < stack->specs[i].nsources; k++) {
			const char *source = stack->specs[i].sources[k];
			_cleanup_free_ char *real = *source == '/' ? realpath(source, NULL) : NULL;

			if (real && path_below(real, root))
				return xstrdup(source);
		}
	}
	return NULL;
}

/* What the rest of the config must be like for a stack. 0 or -EINVAL (logged). */
static int check_conf(const struct container *container, const struct conf *conf, const struct rootfs *rootfs)
{
	bool mapped = conf->idmap && conf->rootfs_options && strstr(conf->rootfs_options, "idmap=");
	_cleanup_free_ char *shared = rootfs_shared(rootfs, &conf->stack);

	if (!conf->monitor_unshare && !conf->hooked)
		return log_refuse(
			-EINVAL,
			"%s: bdev.rootfs, but no lxc.include of bdev.conf, which has the hooks: nothing would be "
			"mounted",
			container->config);
	if (!conf->monitor_unshare)
		return log_refuse(-EINVAL,
				  "%s: lxc.monitor.unshare is not 1, as bdev.conf sets it: without it a killed monitor "
				  "would leave mounts behind",
				  container->config);
	if (shared)
		return log_refuse(-EINVAL,
				  "%s: lxc.rootfs.path '%s' has '%s' of bdev.rootfs in it, which lxc-destroy would "
				  "delete: give it an empty directory",
				  container->config, rootfs->path, shared);
	if (access(rootfs->path, F_OK) < 0)
		return log_errno(-errno, "%s: lxc.rootfs.path '%s' (make it, an empty directory)", container->config,
				 rootfs->path);
	for (size_t i = 0; mapped && i < conf->stack.n; i++)
		if (strncmp(conf->stack.specs[i].type, "overlay", strlen("overlay")) == 0)
			return spec_refuse(&conf->stack.specs[i], -EINVAL,
					   "an overlay cannot be idmapped, as lxc.rootfs.options asks; use files with "
					   "shifted ids instead");
	return 0;
}

int container_plan(const struct container *container, const struct conf *conf, const char *rootfs_path,
		   struct plan *ret)
{
	struct plan_target target = { .in_namespace = true };
	struct rootfs rootfs = { 0 };
	int r;

	*ret = (struct plan){ .dirfd = -EBADF, .dir = container->dir };
	if (!rootfs_path)
		rootfs_path = conf->rootfs_path;
	if (!rootfs_path)
		return log_refuse(-EINVAL, "%s: no lxc.rootfs.path: name an empty directory, where the stack goes",
				  container->config);
	r = rootfs_parse(rootfs_path, &rootfs);
	if (r == 0)
		r = check_conf(container, conf, &rootfs);
	if (r == 0) {
		target.mount = rootfs.path;
		target.readonly = rootfs.overlay;
		ret->dirfd = open(container->dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
		r = ret->dirfd < 0 ? log_errno(-errno, "open '%s'", container->dir)
				   : plan_make(&conf->stack, &target, ret);
	}
	free(rootfs.path);
	return r;
}

void container_plan_close(struct plan *plan)
{
	plan_clear(plan);
	cleanup_close(&plan->dirfd);
}
