/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * commit - what a stopped container wrote above a layer becomes a layer on it.
 *
 * The container is as it was. As long as its upper is copied, it cannot start.
 */
#include "../record/owner.h"
#include "../config/rootfs-path.h"
#include "../layer/add.h"
#include "../layer/fill.h"
#include "../layer/store-open.h"
#include "../kernel/aufs-info.h"
#include "../uses/aufs-users.h"
#include "../container/lxc.h"
#include "../record/journal.h"
#include "../base/cleanup.h"
#include "../config/config-file.h"
#include "../config/container.h"
#include "../base/log.h"
#include "../kernel/overlay.h"
#include "../base/path.h"
#include "../base/process.h"
#include "../base/progress.h"
#include "../command/verb.h"
#include "../stack/type.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>

/* Of one that just stopped: its post-stop, and what a killed monitor leaves. */
#define STOP_WAIT_MS 10000
#define POLL_MS	     20

struct commit_options {
	const char *name, *lxcpath, *store;
};

struct job {
	const char *id, *store; /* of the new layer; --store */
	struct container container;
	struct conf conf;
	const struct spec *layer, *top; /* all of its stack */
	int dirfd;
	int upper; /* -EBADF: nothing was written yet */
};

/* Open and lock the journal of a stopped container, which cannot start while it is locked. 0 or -errno (logged). */
static int lock(const struct container *container, struct journal *journal)
{
	long long until = process_clock() + STOP_WAIT_MS;

	for (;;) {
		int r = journal_share(container->dir, container->name, journal);

		if (r < 0)
			return r;
		r = owner_runs(owner_of(journal));
		if (r == 0)
			return 0;
		journal_unshare(journal);
		if (r < 0)
			return log_errno(r, "cannot commit '%s': find out whether it runs", container->name);
		r = lxc_container_is_running(container);
		if (r < 0)
			return r;
		if (r || process_clock() >= until)
			return log_refuse(-EBUSY, "cannot commit '%s' while it runs; stop it first", container->name);
		process_sleep(POLL_MS);
	}
}

static bool is_union(const struct spec *spec)
{
	return strcmp(spec->type, "aufs") == 0 || strncmp(spec->type, "overlay", strlen("overlay")) == 0;
}

/* A layer, and on it what was written. 0 or -EINVAL (logged). */
static int check_stack(struct job *job)
{
	const char *name = job->container.name;
	struct stack *stack = &job->conf.stack;
	struct rootfs rootfs = { 0 };
	int r = 0;

	if (!stack->n)
		return log_refuse(-EINVAL, "cannot commit '%s': it has no bdev.rootfs", name);
	if (job->conf.rootfs_path)
		r = rootfs_parse(job->conf.rootfs_path, &rootfs);
	if (r == 0 && rootfs.upper)
		r = log_refuse(-EINVAL, "cannot commit '%s': its changes are in LXC's own overlay, '%s'", name,
			       rootfs.upper);
	rootfs_clear(&rootfs);
	if (r < 0)
		return r;
	for (size_t i = 0; i < stack->n; i++)
		if (!bdev_check(&stack->specs[i]))
			return -EMALFORMED;
	for (size_t i = 0; i < stack->n; i++)
		if (strcmp(stack->specs[i].type, "tmpfs") == 0)
			return spec_refuse(&stack->specs[i], -EINVAL,
					   "cannot commit '%s': its upper is on a tmpfs, which is lost at stop", name);
	job->layer = &stack->specs[0];
	job->top = &stack->specs[stack->n - 1];
	if (stack->n == 2 && strcmp(job->layer->type, "layer") == 0 && is_union(job->top) && job->top->nsources == 1)
		return 0;
	return spec_refuse(strcmp(job->layer->type, "layer") == 0 ? job->top : job->layer, -EINVAL,
			   "cannot commit: the stack must be a layer:ID and above it an overlay:UPPER or aufs:UPPER");
}

/* Nobody has it, and nobody gets it as long as it is locked. 0 or -errno (logged). */
static int claim_upper(const struct job *job)
{
	_cleanup_close_ int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	long long until = process_clock() + STOP_WAIT_MS;

	for (;;) {
		int r = flock(job->upper, LOCK_SH | LOCK_NB) == 0 ? 0 : errno == EWOULDBLOCK ? 1 : -errno;

		if (r == 0)
			r = root < 0 ? -EBADF : overlayfs_in_use(job->upper, root);
		if (r == 0 && aufs_is_loaded())
			r = aufs_in_use(job->upper);
		if (r == 0)
			return 0;
		if (r < 0)
			return log_errno(r, "%s: cannot commit: find out whether '%s' is in use", job->top->where,
					 job->top->sources[0]);
		if (process_clock() >= until)
			return spec_refuse(job->top, -EBUSY, "cannot commit: '%s' is in use", job->top->sources[0]);
		(void)flock(job->upper, LOCK_UN);
		process_sleep(POLL_MS);
	}
}

/* After a crash, of a volatile overlay only the kernel's mark is left to believe. */
static int check_volatile(const struct job *job)
{
	const struct spec_option *work = spec_option(job->top, "work");
	_cleanup_free_ char *mark = work ? xasprintf("%s/work/incompat/volatile", work->value)
					 : xasprintf("%s.work/work/incompat/volatile", job->top->sources[0]);
	_cleanup_close_ int fd = path_open(job->dirfd, mark, O_PATH);

	return fd < 0 ? 0
		      : spec_refuse(
				job->top, -EINVAL,
				"cannot commit: the volatile overlay ended without a sync ('%s'), so its upper may be "
				"damaged",
				mark);
}

static int open_upper(struct job *job)
{
	const char *path = job->top->sources[0];
	struct statfs fs;
	int fd;

	job->dirfd = open(job->container.dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (job->dirfd < 0)
		return log_errno(-errno, "open '%s'", job->container.dir);
	fd = path_open(job->dirfd, path, O_RDONLY | O_DIRECTORY);
	if (fd == -ENOENT && *path != '/')
		return 0;
	if (fd < 0)
		return spec_refuse(job->top, fd, "open '%s': %s", path, path_strerror(fd));
	job->upper = fd;
	if (fstatfs(fd, &fs) == 0 && fs.f_type == TMPFS_MAGIC)
		return spec_refuse(job->top, -EINVAL, "cannot commit: upper '%s' is on a tmpfs, which is lost at stop",
				   path);
	return claim_upper(job) ?: check_volatile(job);
}

/* The store that the container's layer is in, which is what --store must say, too. 0 or -errno (logged). */
static int open_store(const struct job *job, struct store *store)
{
	const struct spec_option *option = spec_option(job->layer, "store");
	_cleanup_free_ char *dir = option ? xstrdup(option->value) : store_default(NULL);
	struct stat own, said;
	int r = store_open(dir, NULL, false, store);

	if (r < 0 || !job->store)
		return r;
	if (stat(job->store, &said) < 0)
		return log_errno(-errno, "layer store '%s'", job->store);
	if (fstat(store->fd, &own) == 0 && own.st_dev == said.st_dev && own.st_ino == said.st_ino)
		return 0;
	return log_refuse(-EINVAL, "layer '%s' is in '%s', so the new layer must be there, too, not in '%s'",
			  job->layer->sources[0], store->dir, job->store);
}

static int commit_upper(const struct job *job, struct store *store)
{
	const char *id = job->id, *parent = job->layer->sources[0];
	enum whiteout_format form = strcmp(job->top->type, "aufs") == 0 ? DELTA_AUFS : DELTA_OVERLAY;
	struct copy copy = { 0 };
	struct progress progress;
	int r = store_check_id(id) ?: store_check_id(parent);

	/* Before it is copied. */
	if (r == 0 && (r = layer_exists(store, id)) > 0)
		r = layer_may_fill(store, id, parent);
	if (r < 0)
		return r;
	if (job->upper < 0)
		return layer_add(store, id, parent, false, 0, NULL);
	progress_begin(&progress, "copied", &copy);
	progress_catch();
	r = fill_from_delta(store, id, parent, form, job->upper, job->top->sources[0], &copy);
	progress_end(&progress);
	return r;
}

static int run_locked(struct job *job)
{
	struct store store = { .fd = -EBADF, .lock = -EBADF };
	int r = container_check_whole(job->container.dir) ?: conf_read(job->container.config, &job->conf);

	if (r == 0)
		r = check_stack(job);
	if (r == 0)
		r = open_upper(job);
	if (r == 0)
		r = open_store(job, &store);
	if (r == 0)
		r = commit_upper(job, &store);
	store_close(&store);
	cleanup_close(&job->upper);
	cleanup_close(&job->dirfd);
	conf_clear(&job->conf);
	return r;
}

static int run(const struct args *args)
{
	const struct commit_options *options = args->options;
	struct job job = { .id = args->argv[0], .store = options->store, .dirfd = -EBADF, .upper = -EBADF };
	struct journal journal;
	int r = container_from_lxcpath(options->name, options->lxcpath, &job.container);

	if (r == 0)
		r = lock(&job.container, &journal);
	if (r == 0) {
		r = run_locked(&job);
		journal_unshare(&journal);
	}
	container_clear(&job.container);
	return r;
}

static const struct verb_option commit_table[] = {
	OPTION_NAME(struct commit_options, name),
	OPTION_LXCPATH(struct commit_options, lxcpath),
	OPTION_STORE(struct commit_options, store),
	{ .name = NULL },
};

const struct verb verb_commit = {
	.name = "commit",
	.words = "NAME NEW-ID",
	.summary = "make a layer of what a stopped container wrote above a layer",
	.options = commit_table,
	.size = sizeof(struct commit_options),
	.takes_name = NAME_NEEDED,
	.min = 1,
	.max = 1,
	.run = run,
};
