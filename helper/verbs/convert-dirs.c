/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* convert-dirs - convert, or check, deltas that are named by their directories. */
#include "convert-dirs.h"
#include "../base/cleanup.h"
#include "../base/log.h"
#include "../base/path.h"
#include "../base/progress.h"
#include "../delta/aufs-store.h"
#include "../delta/check.h"
#include "../delta/aufs-names.h"
#include "../delta/convert-in-place.h"
#include "convert-meant.h"
#include "convert-report.h"
#include "convert-sum.h"

#include <fcntl.h>

#define LINES_MAX 100 /* of one kind of message on stderr */

/* One run of the verb. */
struct job {
	const struct convert_options *options;
	enum whiteout_format to;
	bool look;   /* change nothing */
	bool store;  /* the directory being checked is a layer store */
	bool failed; /* one of the deltas */
	int *lowers;
	size_t nlowers;
	/* the current delta: */
	const char *dir;
	struct convert_report report;
	struct progress progress;
	uint64_t warnings;
};

/* Print a line for everything found. */
static void list_found(struct convert *convert, enum convert_kind kind, const char *path, const char *why)
{
	struct job *job = convert->arg;

	convert_report_found(&job->report, convert_kind_name(kind), NULL, path, why);
}

static bool is_aufs_own(const char *path)
{
	const char *slash = strrchr(path, '/');

	return is_whiteout_name(slash ? slash + 1 : path);
}

/* Log what is not representable, and what is dropped. */
static void warn_found(struct convert *convert, enum convert_kind kind, const char *path, const char *why)
{
	struct job *job = convert->arg;
	_cleanup_free_ char *text = NULL;

	if (kind != CONVERT_FOREIGN && (kind != CONVERT_HIDDEN || job->look || is_aufs_own(path)))
		return;
	text = convert_escape(path);
	if (kind == CONVERT_FOREIGN && convert->counts[kind] <= LINES_MAX)
		log_error("'%s/%s': %s", job->dir, text, why);
	if (kind == CONVERT_HIDDEN && ++job->warnings <= LINES_MAX)
		log_warn("'%s/%s' is dropped: %s", job->dir, text, why);
}

static void warn_more(const struct job *job, uint64_t n, const char *what)
{
	if (n > LINES_MAX)
		log_error("'%s': and %llu more %s", job->dir, (unsigned long long)(n - LINES_MAX), what);
}

/* Look through a delta without changing it. Returns 0 or -errno (logged). */
static int look(struct convert *convert, const char *dir)
{
	_cleanup_close_ int fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int r = fd < 0 ? -errno : check_has_format(&convert->from, fd);

	if (r)
		r = convert_look(convert, fd);
	if (r < 0 && !convert->counts[CONVERT_FOREIGN])
		return log_errno(r, "look through '%s%s%s'", dir, *convert->copy.error ? "/" : "", convert->copy.error);
	return r;
}

static int to_new(struct convert *convert, const char *dir, const char *to)
{
	_cleanup_free_ char *here = getcwd(NULL, 0), *path = here ? path_absolute(here, to) : NULL;

	return path ? convert_to(convert, AT_FDCWD, dir, path) : log_errno(-errno, "the current directory");
}

static int convert_delta(void *arg, const char *dir, const int *lowers, size_t n)
{
	struct job *job = arg;
	struct convert convert;
	bool copied = job->options->to && !job->options->dry_run;
	int r;

	convert_begin(&convert, job->to, job->options->userxattr);
	convert.lowers = lowers;
	convert.nlowers = n;
	convert.arg = job;
	convert.found = job->options->dry_run ? list_found : warn_found;
	job->dir = dir;
	job->warnings = 0;
	convert_report_subject(&job->report, "directory", dir);
	progress_begin(&job->progress, "converted", &convert.copy);
	progress_catch();
	if (job->look)
		r = convert_prepare(AT_FDCWD, dir, true) ?: look(&convert, dir);
	else if (job->options->dry_run)
		r = look(&convert, dir);
	else if (job->options->to)
		r = to_new(&convert, dir, job->options->to);
	else
		r = convert_in_place(&convert, AT_FDCWD, dir);
	progress_end(&job->progress);
	if (!job->options->dry_run) {
		warn_more(job, convert.counts[CONVERT_FOREIGN], "not representable");
		warn_more(job, job->warnings, "dropped");
	}
	if ((r == 0 && !job->look) || (job->options->dry_run && convert.counts[CONVERT_FOREIGN]))
		convert_report_sum(&job->report, &convert, copied ? job->options->to : dir, job->options->dry_run,
				   copied);
	return r;
}

/*
 * Refuse a layer store and directories in it: the store records the whiteout format of its layers. Returns 0 or -errno
 * (logged).
 */
static int check_layers(const struct job *job, const char *dir)
{
	_cleanup_free_ char *store = NULL;
	int r = aufsstore_ours(dir, &store);

	if (r < 0)
		return log_errno(r, "look whether '%s' is in a layer store", dir);
	if (!store || (job->options->to && strcmp(store, dir) != 0))
		return 0;
	return log_refuse(-EINVAL,
			  "'%s' is %sa layer store, whose layers are converted together: lxc-bdev layer import "
			  "--aufs=%s --driver=overlay",
			  dir, strcmp(store, dir) == 0 ? "" : "in ", store);
}

/* Convert one delta or layer store. Returns 0 or -errno (logged). */
static int convert_dir(struct job *job, const char *dir)
{
	bool store = false;
	int r = check_layers(job, dir) ?: convert_meant(dir, job->to, &store);

	if (r < 0)
		return r;
	if (!store)
		return convert_delta(job, dir, job->lowers, job->nlowers);
	if (job->options->to || job->nlowers)
		return log_refuse(
			-EINVAL,
			"'%s' is a layer store, which is converted in place and has its own lowers: use neither "
			"--to nor --lower",
			dir);
	/* All layers are checked before the first one is converted. */
	if (!job->look && !job->options->dry_run) {
		job->look = true;
		r = aufsstore_each(dir, convert_delta, job);
		job->look = false;
	}
	if (r == 0)
		return aufsstore_each(dir, convert_delta, job);
	return r == -EINVAL
		       ? log_refuse(
				 r,
				 "'%s': a layer is not representable in the other whiteout format; nothing was changed",
				 dir)
		       : r;
}

/* --- check --- */

static void list_problem(struct check *check, const char *what, const char *path, const char *why)
{
	struct job *job = check->arg;
	const char *dir = job->dir ?: "", *slash = strrchr(dir, '/');

	convert_report_found(&job->report, what, job->store ? slash ? slash + 1 : dir : NULL, path, why);
}

/* Check one delta, and report it. Returns 0 or -errno (logged). */
static int check_delta(void *arg, const char *dir, const int *lowers, size_t n)
{
	struct job *job = arg;
	struct check check = { .user = job->options->userxattr, .lowers = lowers, .nlowers = n, .found = list_problem };
	_cleanup_close_ int fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int r;

	job->dir = dir;
	check.arg = job;
	convert_report_subject(&job->report, "directory", dir);
	r = fd < 0 ? -errno : check_tree(&check, fd);
	if (r < 0)
		return log_errno(r, "look through '%s'", dir);
	convert_report_check(&job->report, &check, dir);
	job->failed |= check.problems;
	return 0;
}

static int check_dir(struct job *job, const char *dir)
{
	int r = convert_meant(dir, job->to, &job->store);

	if (r < 0)
		return r;
	return job->store ? aufsstore_each(dir, check_delta, job) : check_delta(job, dir, job->lowers, job->nlowers);
}

static int open_lowers(struct job *job)
{
	for (size_t i = 0; i < job->options->lowers.n; i++) {
		int fd = open(job->options->lowers.values[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		if (fd < 0)
			return log_errno(-errno, "open '%s'", job->options->lowers.values[i]);
		*ARRAY_ADD(job->lowers, job->nlowers) = fd;
	}
	return 0;
}

/* Convert or check all directories, also after a failure. */
static void each_dir(struct job *job, char **dirs)
{
	for (; *dirs; dirs++) {
		_cleanup_free_ char *dir = realpath(*dirs, NULL);
		int r = dir ? 0 : log_errno(-errno, "directory '%s'", *dirs);

		if (r == 0 && dir)
			r = job->options->check ? check_dir(job, dir) : convert_dir(job, dir);
		job->failed |= r < 0;
	}
}

int convert_dirs(const struct convert_options *options, enum whiteout_format to, char **dirs)
{
	struct job job = { .options = options, .to = to };
	int r = open_lowers(&job);

	convert_report_begin(&job.report, options->json);
	/* All deltas are checked before the first one is changed. */
	if (r == 0 && dirs[0] && dirs[1] && !options->check && !options->dry_run) {
		job.look = true;
		each_dir(&job, dirs);
		job.look = false;
	}
	if (r == 0 && !job.failed)
		each_dir(&job, dirs);
	while (job.nlowers)
		(void)close(job.lowers[--job.nlowers]);
	free(job.lowers);
	convert_report_end(&job.report);
	return r < 0 ? r : job.failed ? EXIT_FAILED : EXIT_DONE;
}
