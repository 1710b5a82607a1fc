/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* start-plan - make the plan of a container's start from its config. */
#include "start-plan.h"
#include "../base/cleanup.h"
#include "../base/text.h"
#include "../base/log.h"
#include "../config/rootfs-options.h"
#include "../config/rootfs-path.h"
#include "../stack/container-view.h"
#include "../stack/idmapped.h"
#include "../stack/view.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

/* Check the directory on which the stack will be attached; it must not be a symlink. Returns 0 or -errno (logged). */
static int check_place(const struct container *container, const char *path)
{
	struct stat st;

	if (lstat(path, &st) < 0)
		return log_errno(-errno, "%s: lxc.rootfs.path '%s' (make an empty directory)", container->config, path);
	if (!S_ISDIR(st.st_mode))
		return log_refuse(-ENOTDIR, "%s: lxc.rootfs.path '%s' is %s, not a directory; name an empty directory",
				  container->config, path, S_ISLNK(st.st_mode) ? "a symbolic link" : "a file");
	return 0;
}

/* Test whether LXC will idmap the root. */
static bool maps_root(const struct conf *conf)
{
	return conf->idmap && conf->rootfs_options && text_option(conf->rootfs_options, "idmap");
}

/* Check that the rest of the config suits a stack. Returns 0 or -EINVAL (logged). */
static int check_conf(const struct container *container, const struct conf *conf, const struct rootfs *rootfs)
{
	bool mapped = maps_root(conf);
	_cleanup_free_ char *shared = NULL;
	int r = conf_check_hooks(conf);

	if (r < 0)
		return r;
	if (!conf->monitor_unshare && !conf->hooks[HOOK_PRE_START].runs)
		return log_refuse(-EINVAL, "%s: missing lxc.include of bdev.conf, whose hooks mount bdev.rootfs",
				  container->config);
	if (!conf->monitor_unshare)
		return log_refuse(-EINVAL,
				  "%s: lxc.monitor.unshare is not 1; bdev.conf sets it, as otherwise a killed monitor "
				  "leaves mounts behind",
				  container->config);
	/* An overlay of LXC's own accepts all options. */
	r = conf->rootfs_options && !rootfs->upper ? rootfs_options_check(container->config, conf->rootfs_options) : 0;
	if (r == 0)
		r = rootfs_shared(rootfs, &conf->stack, &shared);
	if (r < 0)
		return r;
	if (shared)
		return log_refuse(-EINVAL,
				  "%s: lxc.rootfs.path '%s' contains '%s' of bdev.rootfs, which lxc-destroy would "
				  "delete; name an empty directory",
				  container->config, rootfs->path, shared);
	r = check_place(container, rootfs->path);
	if (r < 0)
		return r;
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
	struct stack below = { 0 };
	struct rootfs rootfs = { 0 };
	int r;

	*ret = (struct plan){ .dirfd = -EBADF, .dir = container->dir };
	if (!rootfs_path)
		rootfs_path = conf->rootfs_path;
	if (!rootfs_path)
		return log_refuse(-EINVAL, "%s: missing lxc.rootfs.path; name an empty directory for the stack",
				  container->config);
	r = container_check_whole(container->dir) ?: rootfs_parse(rootfs_path, &rootfs);
	if (r == 0)
		r = check_conf(container, conf, &rootfs);
	if (r == 0) {
		target.mount = rootfs.path;
		target.readonly = rootfs.upper != NULL;
		ret->dirfd = open(container->dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
		r = ret->dirfd < 0 ? log_errno(-errno, "open '%s'", container->dir) : 0;
	}
	if (r == 0 && rootfs.upper)
		r = container_view_below(conf, container->dir, 0, &below);
	if (r == 0 && below.n > 1)
		r = view_merge(&below, container->config);
	if (r == 0)
		r = plan_make(rootfs.upper ? &below : &conf->stack, &target, ret);
	if (r == 0 && maps_root(conf))
		r = idmapped_check(ret);
	/* The start then writes to the upper of LXC. */
	if (r == 0 && rootfs.upper) {
		ret->below = true;
		ret->delta = xstrdup(rootfs.upper);
		ret->writer = &ret->stack.specs[ret->stack.n - 1];
	}
	stack_clear(&below);
	rootfs_clear(&rootfs);
	return r;
}

void container_warn_of_hidden(const struct container *container, const struct plan *plan)
{
	DIR *dir = opendir(plan->at);
	const struct dirent *entry = NULL;

	while (dir && (errno = 0, entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
		    strcmp(entry->d_name, ".lxc_keep") != 0)
			break;
	if (entry)
		log_warn(
			"%s: lxc.rootfs.path '%s' contains files ('%s'), which the stack of bdev.rootfs hides; name an "
			"empty directory",
			container->config, plan->at, entry->d_name);
	else if (!dir || errno)
		log_warn("%s: cannot tell whether lxc.rootfs.path '%s' is empty: %s", container->config, plan->at,
			 strerror(errno));
	if (dir)
		(void)closedir(dir);
}

void container_plan_close(struct plan *plan)
{
	plan_clear(plan);
	cleanup_close(&plan->dirfd);
}
