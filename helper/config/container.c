/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * container - from what LXC calls a container to its directory, journal and plan.
 */
#include "container.h"
#include "../base/cleanup.h"
#include "../container/convert.h"
#include "dependencies.h"
#include "../stack/idmapped.h"
#include "../base/log.h"
#include "../kernel/mount.h"
#include "../base/path.h"
#include "rootfs-options.h"
#include "../stack/view.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/file.h>
#include <sys/stat.h>

#define MARK	       ".lxc-bdev.cloning"
#define VIEW_DEPTH_MAX 16 /* of containers that stand on containers */

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

int container_journal(const struct container *container, bool create, struct journal *ret)
{
	return journal_open(container->dir, container->name, create, ret);
}

/* The stack is attached on a directory itself, not where a symlink leads. 0 or -errno (logged). */
static int check_place(const struct container *container, const char *path)
{
	struct stat st;

	if (lstat(path, &st) < 0)
		return log_errno(-errno, "%s: lxc.rootfs.path '%s' (make it, an empty directory)", container->config,
				 path);
	if (!S_ISDIR(st.st_mode))
		return log_refuse(-ENOTDIR, "%s: lxc.rootfs.path '%s' is %s, not a directory; name an empty directory",
				  container->config, path, S_ISLNK(st.st_mode) ? "a symbolic link" : "a file");
	return 0;
}

/* The kernel is to map the ids of the root's files. */
static bool maps_root(const struct conf *conf)
{
	return conf->idmap && conf->rootfs_options && mount_option(conf->rootfs_options, "idmap");
}

/* What the rest of the config must be like for a stack. 0 or -EINVAL (logged). */
static int check_conf(const struct container *container, const struct conf *conf, const struct rootfs *rootfs)
{
	bool mapped = maps_root(conf);
	_cleanup_free_ char *shared = NULL;
	int r = conf_check_hooks(conf);

	if (r < 0)
		return r;
	if (!conf->monitor_unshare && !conf->hooks[HOOK_PRE_START].runs)
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
	/* An overlay of LXC's own takes all of them. */
	r = conf->rootfs_options && !rootfs->upper ? rootfs_options_check(container->config, conf->rootfs_options) : 0;
	if (r == 0)
		r = rootfs_shared(rootfs, &conf->stack, &shared);
	if (r < 0)
		return r;
	if (shared)
		return log_refuse(-EINVAL,
				  "%s: lxc.rootfs.path '%s' has '%s' of bdev.rootfs in it, which lxc-destroy would "
				  "delete: give it an empty directory",
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

/* What one spec shows. */
static int view_text(const char *text, const char *config, const char *dir, struct stack *out)
{
	struct stack stack = { 0 };
	int r = spec_add(&stack, text, config);

	if (r == 0)
		r = view_stack(&stack, dir, out);
	stack_clear(&stack);
	return r;
}

/* LXC's own rootfs, as a spec. */
static int view_rootfs(const struct conf *conf, const char *config, const char *dir, struct stack *out)
{
	const char *path = conf->rootfs_path;
	_cleanup_free_ char *text = NULL;

	if (!path)
		return log_refuse(-EINVAL, "%s: neither bdev.rootfs nor lxc.rootfs.path in it", config);
	text = *path == '/' ? xasprintf("dir:%s", path) : xstrdup(path);
	return view_text(text, config, dir, out);
}

/* What LXC's own overlay adds. */
static int view_upper(const char *upper, const char *config, const char *dir, struct stack *out)
{
	_cleanup_free_ char *text = xasprintf("dir:%s", upper);

	return view_text(text, config, dir, out);
}

static int view_below(const struct conf *conf, const char *dir, unsigned int depth, struct stack *out);

/* What a container shows. `below`: not what LXC's own overlay adds. */
static int view_container(const char *dir, bool below, unsigned int depth, struct stack *out)
{
	_cleanup_free_ char *config = xasprintf("%s/config", dir);
	struct rootfs rootfs = { 0 };
	struct conf conf = { 0 };
	int r = container_check_whole(dir) ?: conf_read(config, &conf);

	if (r == 0 && depth > VIEW_DEPTH_MAX)
		r = log_refuse(-ELOOP,
			       "%s: the container depends on itself, or on a chain of more than %d containers; "
			       "replace one of them by a full copy (lxc-copy)",
			       config, VIEW_DEPTH_MAX);
	if (r == 0 && conf.stack.n && conf.rootfs_path)
		r = rootfs_parse(conf.rootfs_path, &rootfs);
	if (r == 0 && !conf.stack.n)
		r = view_rootfs(&conf, config, dir, out);
	else if (r == 0 && rootfs.upper)
		r = view_below(&conf, dir, depth, out) ?: below ? 0 : view_upper(rootfs.upper, config, dir, out);
	else if (r == 0)
		r = view_stack(&conf.stack, dir, out);
	rootfs_clear(&rootfs);
	conf_clear(&conf);
	return r;
}

/* What is below LXC's own overlay of a clone: the stack of the container that it was made from, else its own. */
static int view_below(const struct conf *conf, const char *dir, unsigned int depth, struct stack *out)
{
	_cleanup_free_ char *on = NULL;
	int r = depends_on(dir, &on);

	if (r < 0)
		return r;
	return on ? view_container(on, true, depth + 1, out) : view_stack(&conf->stack, dir, out);
}

const char *container_union(const char *dir, bool below)
{
	struct stack shown = { 0 };
	const char *type = view_container(dir, below, 0, &shown) < 0 ? NULL : view_union(&shown);

	stack_clear(&shown);
	return type;
}

int container_view(const struct spec *spec, const char *dir, struct stack *out)
{
	static unsigned int depth;
	_cleanup_free_ char *real = realpath(dir, NULL);
	int r;

	if (!real)
		return spec_refuse(spec, -errno, "directory '%s': %s", dir, strerror(errno));
	/* Two that name each other come back here. */
	depth++;
	r = view_container(real, false, depth, out);
	depth--;
	return r;
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
		return log_refuse(-EINVAL, "%s: no lxc.rootfs.path: name an empty directory, where the stack goes",
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
		r = view_below(conf, container->dir, 0, &below);
	if (r == 0 && below.n > 1)
		r = view_merge(&below, container->config);
	if (r == 0)
		r = plan_make(rootfs.upper ? &below : &conf->stack, &target, ret);
	if (r == 0 && maps_root(conf))
		r = idmapped_check(ret);
	/* What its start changes is LXC's upper then. */
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
			"%s: lxc.rootfs.path '%s' has files in it ('%s'), which the stack of bdev.rootfs hides; name an "
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
