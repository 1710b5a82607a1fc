/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * convert - from aufs to overlay and back, with all that says so.
 *
 * The deltas are converted one by one, each in one step (convert_in_place),
 * and the config is changed last, in one step. In between a delta would be
 * read in the wrong form, and what the container removed would be there
 * again: so before the first step a mark is set that keeps it from being
 * started or looked at. The next call does the rest: it sees which deltas
 * have their form already.
 */
#include "convert.h"
#include "../record/owner.h"
#include "../record/uses.h"
#include "../kernel/aufs-info.h"
#include "../base/cleanup.h"
#include "convert-lines.h"
#include "convert-upper.h"
#include "../base/log.h"
#include "../base/path.h"

#include <fcntl.h>

struct work {
	struct convert_container *run;
	const struct container *container;
	struct convert_lines lines;
	struct convert_upper *uppers; /* of each line */
	int dirfd;
	bool at_start; /* which nobody watches */
	bool begun;    /* by one that was interrupted */
};

static void found(struct convert_upper *upper, enum convert_kind kind, const char *path, const char *why)
{
	struct convert_container *run = upper->arg;

	if (run->found)
		run->found(run, convert_upper_name(upper->spec), kind, path, why);
}

static int look(struct work *work)
{
	struct convert_container *run = work->run;
	int r = 0;

	work->uppers = xcalloc(work->lines.n + 1, sizeof(*work->uppers));
	for (size_t i = 0; r == 0 && i < work->lines.n; i++) {
		const struct convert_line *line = &work->lines.lines[i];
		struct convert_upper *upper = &work->uppers[i];

		*upper = (struct convert_upper){
			.spec = line->spec,
			.dirfd = work->dirfd,
			.to = run->to,
			.lowest = line->spec == work->lines.conf.stack.specs || line->spec == work->lines.rootfs.specs,
			.found = found,
			.tell_all = run->dry_run,
			.clear = !run->dry_run,
			.progress = run->progress,
			.arg = run,
		};
		if (line->on_disk)
			r = convert_upper_look(upper);
		/* Two lines may name one. */
		for (size_t k = 0; k < i && upper->needed; k++)
			if (work->uppers[k].needed && strcmp(work->uppers[k].inode, upper->inode) == 0)
				upper->needed = false;
		run->deltas += upper->needed;
		run->lines += line->other != NULL;
		if (r == 0 && run->line && line->other)
			run->line(run, line->number, line->other);
	}
	return r;
}

static int convert(struct work *work)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < work->lines.n; i++) {
		struct convert_upper *upper = &work->uppers[i];

		if (upper->there)
			r = convert_upper(upper);
		if (r == 0 && upper->needed)
			log_line(work->at_start ? LOG_LEVEL_WARN : LOG_LEVEL_INFO, "'%s': its delta '%s' is %s's now",
				 work->container->name, convert_upper_name(upper->spec), convert_type(work->run->to));
	}
	return r;
}

/* On disk before the first delta changes, and until the config has. 0 or -errno. */
static int mark(struct work *work)
{
	_cleanup_close_ int dir = path_reopen(work->dirfd, O_RDONLY | O_DIRECTORY);

	if (dir < 0)
		return dir;
	if (symlinkat(convert_type(work->run->to), dir, CONTAINER_CONVERTING) < 0 && errno != EEXIST)
		return -errno;
	return fsync(dir) < 0 ? -errno : 0;
}

static int unmark(struct work *work)
{
	if (unlinkat(work->dirfd, CONTAINER_CONVERTING, 0) == 0 || errno == ENOENT)
		return 0;
	return log_errno(-errno, "'%s': remove '%s'", work->container->dir, CONTAINER_CONVERTING);
}

/* One that was interrupted is first done to its end. 0 or -EINVAL (logged). */
static int check_mark(struct work *work)
{
	const char *to = convert_type(work->run->to);
	char form[16];
	ssize_t n = readlinkat(work->dirfd, CONTAINER_CONVERTING, form, sizeof(form));

	work->begun = n >= 0;
	if (n < 0 || ((size_t)n == strlen(to) && memcmp(form, to, strlen(to)) == 0))
		return 0;
	return container_check_whole(work->container->dir);
}

/* They would see it change below them. 0 or -EBUSY (logged). */
static int check_users(const struct container *container)
{
	_cleanup_free_ char *user = NULL;

	(void)uses_container(container->dir, CLAIM_VIEW, NULL, &user);
	return user ? log_refuse(-EBUSY, "cannot convert '%s' while %s, which depends on it, runs; stop that first",
				 container->name, user)
		    : 0;
}

static bool is_changed(const struct work *work)
{
	bool changed = work->begun;

	for (size_t i = 0; i < work->lines.n; i++)
		changed |= work->uppers[i].changed;
	return changed;
}

static int change(struct work *work)
{
	int r = convert_lines_check(&work->lines);

	if (r < 0)
		return r;
	r = mark(work);
	if (r < 0)
		return log_errno(r, "'%s': mark it as being converted", work->container->dir);
	/* Whoever came before the mark has said so by now. */
	r = check_users(work->container) ?: convert(work);
	if (r == 0)
		r = convert_lines_change(&work->lines);
	else if (!is_changed(work))
		(void)unmark(work);
	return r < 0 ? r : unmark(work);
}

/* 0 or -EINVAL (logged). */
static int check_rootfs(const struct work *work)
{
	const struct convert_lines *lines = &work->lines;

	if (lines->to == DELTA_OVERLAY || lines->n || !convert_lxc_overlay(lines->conf.rootfs_path))
		return 0;
	return log_refuse(-EINVAL,
			  "'%s': lxc.rootfs.path = %s is LXC's own overlay, and is not converted back, as LXC has no "
			  "aufs; put it into a bdev.rootfs line",
			  work->container->name, lines->conf.rootfs_path);
}

static struct work work_of(struct convert_container *run)
{
	return (struct work){
		.run = run,
		.container = run->container,
		.lines = { .container = run->container, .to = run->to },
		.dirfd = -EBADF,
	};
}

/* Its journal is locked. */
static int run_locked(struct work *work)
{
	struct convert_container *run = work->run;
	int r = check_users(run->container);

	if (r == 0) {
		work->dirfd = open(run->container->dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
		r = work->dirfd < 0 ? log_errno(-errno, "open '%s'", run->container->dir) : check_mark(work);
	}
	if (r == 0)
		r = convert_lines_find(&work->lines) ?: check_rootfs(work) ?: look(work);
	if (r == 0 && !run->dry_run)
		r = work->lines.n ? change(work) : unmark(work);
	for (size_t i = 0; work->uppers && i < work->lines.n; i++)
		convert_upper_clear(&work->uppers[i]);
	free(work->uppers);
	cleanup_close(&work->dirfd);
	convert_lines_clear(&work->lines);
	return r;
}

int convert_container_locked(struct convert_container *run)
{
	struct work work = work_of(run);

	return run_locked(&work);
}

/* --- at a start --- */

/* One was begun, or is to be: there is a delta that only aufs reads. */
static bool is_wanted(const struct container *container, const struct conf *conf)
{
	_cleanup_free_ char *begun = xasprintf("%s/" CONTAINER_CONVERTING, container->dir);
	const struct stack *stack = &conf->stack;

	if (!conf->convert_aufs)
		return false;
	if (faccessat(AT_FDCWD, begun, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return true;
	for (size_t i = 0; i < stack->n; i++)
		if (convert_is_form(&stack->specs[i], DELTA_AUFS))
			return aufs_impossible();
	return false;
}

int convert_container_at_start(const struct container *container, struct conf *conf)
{
	struct convert_container run = { .container = container, .to = DELTA_OVERLAY };
	struct work work = work_of(&run);
	int r;

	work.at_start = true;
	if (!is_wanted(container, conf))
		return 0;
	r = run_locked(&work);
	if (r < 0)
		return r;
	conf_clear(conf);
	return conf_read(container->config, conf);
}

int convert_container_foresee(const struct container *container, struct conf *conf)
{
	struct convert_container run = { .container = container, .to = DELTA_OVERLAY, .dry_run = true };
	struct work work = work_of(&run);
	struct stack stack = { 0 };
	int r;

	if (!is_wanted(container, conf))
		return 0;
	r = run_locked(&work);
	for (size_t i = 0; r == 0 && i < conf->stack.n; i++) {
		const struct spec *spec = &conf->stack.specs[i];
		_cleanup_free_ char *text =
			convert_is_form(spec, DELTA_AUFS) ? convert_value(spec, DELTA_OVERLAY) : xstrdup(spec->text);

		r = spec_add(&stack, text, spec->where);
		/* What is there is of its old form still. */
		if (r == 0 && convert_is_form(spec, DELTA_AUFS))
			stack.specs[i].form = convert_type(DELTA_AUFS);
	}
	stack_clear(&conf->stack);
	conf->stack = stack;
	if (r == 0)
		log_warn("'%s': a start converts its delta to %s first", container->name, convert_type(DELTA_OVERLAY));
	return r;
}
