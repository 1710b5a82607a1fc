/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * clone - copy the source's own storage to the new container.
 *
 * The new config has the source's specs: relative paths are copied, absolute ones shared. With `bdev.clone = link` the
 * new container is a linked clone instead. A clone by lxc-copy -s or -e copies nothing: LXC puts an overlay on the
 * source's stack, and a start finds that.
 */
#include "../base/process.h"
#include "../config/rootfs-path.h"
#include "../stack/container-view.h"
#include "../stack/clone.h"
#include "../container/copyable.h"
#include "../container/hostname.h"
#include "../container/linked-clone.h"
#include "../container/clone-source.h"
#include "../base/path.h"
#include "../container/snapshots.h"
#include "hook.h"

#include <fcntl.h>

#define RUNS ".lxc-bdev.cloned" /* exists between the first and the last of several clone hooks */

/*
 * Test whether this clone makes or restores a snapshot. That is always a copy: a linked clone would be lost with its
 * base.
 */
static bool is_snapshot(const struct container *container, const struct container *source)
{
	return path_below(container->dir, source->dir) || path_below(source->dir, container->dir) ||
	       snapshots_is_one(source->dir) || snapshots_is_one(container->dir);
}

/*
 * Check that the source's config is the one that LXC has read, as a conversion may have changed it since. Returns 0 or
 * -errno (logged).
 */
static int check_config(const struct container *source, const struct conf *conf)
{
	struct conf now = { 0 };
	int r = conf_read(source->config, &now);

	if (r == 0 && !clone_source_same_stack(&now.stack, &conf->stack))
		r = log_refuse(-EAGAIN, "cannot clone '%s': its config was changed concurrently; try again",
			       source->dir);
	conf_clear(&now);
	return r;
}

static int copy(const struct container *container, const struct container *source, const struct conf *conf, bool rename)
{
	bool link = conf->link && !rename && !is_snapshot(container, source);
	_cleanup_free_ char *called = container_called(container);
	_cleanup_close_ int mark = -EBADF;
	int r = link ? 0 : copyable_apart(source, &conf->stack, container->name), name;

	if (r == 0)
		mark = container_mark(container);
	r = r ?: mark;
	if (r >= 0)
		r = link ? linked_clone_make(container, source)
			 : clone_stack(&conf->stack, source->dir, container->dir, called);
	if (r < 0)
		return r;
	/* A host name that cannot be set is no reason to fail. */
	if (conf->uts_name && (link || clone_owns(&conf->stack.specs[conf->stack.n - 1])) &&
	    (name = hostname_leave(container->dir, conf->uts_name)) < 0)
		log_warn("'%s': cannot record its host name for the first start: %s", container->name, strerror(-name));
	return container_unmark(container);
}

static int clone(const struct container *container, const char *name, const struct conf *conf)
{
	bool rename = false;
	_cleanup_free_ char *dir = clone_source_find(container, name, conf, &rename), *config = NULL;
	struct container source;
	struct journal journal;
	int r;

	if (!dir)
		return -ENOENT;
	config = xasprintf("%s/config", dir);
	r = container_from_config(name, config, &source);
	if (r == 0)
		r = journal_share(source.dir, source.name, &journal);
	if (r == 0) {
		r = copyable_now(&source) ?: check_config(&source, conf) ?: copy(container, &source, conf, rename);
		journal_unshare(&journal);
	}
	container_clear(&source);
	return r;
}

/*
 * A config that includes bdev.conf twice has this hook twice, and LXC runs both in one lxc-copy. The first run copies.
 * It leaves a file whose size is the number of runs so far, and the last run removes it.
 */

/* Count this run. Returns 1: an earlier run has copied; 0: this is the first; or -errno (logged). */
static int count_run(const struct container *container, unsigned int runs)
{
	_cleanup_free_ char *path = xasprintf("%s/" RUNS, container->dir);
	_cleanup_close_ int fd = open(path, O_WRONLY | O_APPEND | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return errno == ENOENT ? 0 : log_errno(-errno, "open '%s'", path);
	if (fstat(fd, &st) < 0 || write(fd, "+", 1) != 1)
		return log_errno(-errno, "write '%s'", path);
	if (st.st_size + 1 >= (off_t)runs && unlink(path) < 0)
		return log_errno(-errno, "remove '%s'", path);
	return 1;
}

/* Create the file that counts the runs. Returns 0 or -errno (logged). */
static int begin_count(const struct container *container)
{
	_cleanup_free_ char *path = xasprintf("%s/" RUNS, container->dir);
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	return fd < 0 || write(fd, "+", 1) != 1 ? log_errno(-errno, "write '%s'", path) : 0;
}

/* Clone, unless another hook of the same lxc-copy has done it. Returns 0 or -errno (logged). */
static int clone_once(const struct container *container, const char *source, const struct conf *conf)
{
	unsigned int runs = conf->hooks[HOOK_CLONE].runs;
	int r = runs > 1 ? count_run(container, runs) : 0;

	if (r == 0)
		r = clone(container, source, conf) ?: runs > 1 ? begin_count(container) : 0;
	return r < 0 ? r : 0;
}

/* Check that LXC can put an overlay on the source's stack. Returns 0 or -errno (logged). */
static int check_overlay(const struct container *container)
{
	const char *type;
	int r = container_union(container->dir, true, &type);

	if (r == 0 && strcmp(type, "aufs") == 0)
		return log_refuse(
			-EINVAL,
			"cannot create clone '%s': LXC would put an overlay on an aufs, which crashes the kernel; use "
			"bdev.clone = link, or lxc-bdev ephemeral",
			container->name);
	return r;
}

static int run(const struct args *args)
{
	const struct hook_options *options = args->options;
	struct container container;
	struct rootfs rootfs = { 0 };
	struct conf conf = { 0 };
	int r;

	r = hook_container(args, "clone", &container);
	if (r == 0)
		r = conf_read(container.config, &conf);
	if (r == 0 && conf.stack.n && options->rootfs)
		r = rootfs_parse(options->rootfs, &rootfs);
	/* The parent of this process is a child of LXC's program, and outlives it. */
	clone_end_with(process_parent(getppid()));
	if (r == 0 && conf.stack.n)
		r = rootfs.upper ? check_overlay(&container) : clone_once(&container, options->source, &conf);
	rootfs_clear(&rootfs);
	conf_clear(&conf);
	container_clear(&container);
	return r;
}

const struct verb verb_clone = HOOK_VERB("clone", "copy to a clone what the container owns", run);
