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
#include "convert-list.h"
#include "convert-meant.h"

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
	struct progress progress;
	uint64_t warnings;
};

/* Print a line for everything found. */
static void list_found(struct convert *convert, enum convert_kind kind, const char *path, const char *why)
{
	(void)convert;
	convert_list(kind, NULL, path, why);
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

static void say(bool *first, uint64_t n, const char *one, const char *many)
{
	if (!n)
		return;
	printf("%s %llu %s", *first ? ":" : ",", (unsigned long long)n, n == 1 ? one : many);
	*first = false;
}

static void print_same(const struct convert *convert, const char *dir, bool copied)
{
	_cleanup_close_ int fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	_cleanup_free_ char *text = convert_escape(dir);
	/* Unknown counts as no: only the message depends on it. */
	bool is = fd >= 0 && (delta_is_marked(&convert->to, fd) == 1 || check_has_format(&convert->to, fd) == 1);

	printf("%s: %s: ", text, copied ? "copied as it is" : "nothing to convert");
	if (is)
		printf("it has the %s format already\n", convert_format_name(&convert->to));
	else
		puts("it is plain, which is the same in both whiteout formats");
}

static void print_sum(const struct convert *convert, const char *dir, bool look, bool copied)
{
	const uint64_t *counts = convert->counts;
	_cleanup_free_ char *text = convert_escape(dir);
	bool first = true;
	uint64_t sum = 0;

	for (size_t i = 0; i < ARRAY_SIZE(convert->counts); i++)
		sum += counts[i];
	if (!sum) {
		print_same(convert, dir, copied);
		return;
	}
	printf("%s: %s %s", text, convert_format_name(&convert->to), look ? "it would be" : "now");
	say(&first, counts[CONVERT_WHITEOUT], "whiteout", "whiteouts");
	say(&first, counts[CONVERT_OPAQUE], "opaque directory", "opaque directories");
	say(&first, counts[CONVERT_HIDDEN], "hidden name dropped", "hidden names dropped");
	say(&first, counts[CONVERT_GHOST], "whiteout of nothing dropped", "whiteouts of nothing dropped");
	say(&first, counts[CONVERT_OWN], "file with attributes dropped", "files with attributes dropped");
	say(&first, counts[CONVERT_FOREIGN], "entry not representable", "entries not representable");
	puts("");
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
	int r;

	convert_begin(&convert, job->to, job->options->userxattr);
	convert.lowers = lowers;
	convert.nlowers = n;
	convert.arg = job;
	convert.found = job->options->dry_run ? list_found : warn_found;
	job->dir = dir;
	job->warnings = 0;
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
		print_sum(&convert, job->options->to && !job->options->dry_run ? job->options->to : dir,
			  job->options->dry_run, job->options->to && !job->options->dry_run);
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
	const struct job *job = check->arg;
	const char *dir = job->dir ?: "", *slash = strrchr(dir, '/'), *layer = slash ? slash + 1 : dir;
	_cleanup_free_ char *whole = xasprintf("%s%s%s", job->store ? layer : "", job->store && *path ? "/" : "", path),
			    *text = convert_escape(whole);

	printf("%s %s: %s\n", what, text, why);
}

/* Check one delta, and print a line of results. Returns 0 or -errno (logged). */
static int check_delta(void *arg, const char *dir, const int *lowers, size_t n)
{
	struct job *job = arg;
	struct check check = { .user = job->options->userxattr, .lowers = lowers, .nlowers = n, .found = list_problem };
	_cleanup_close_ int fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	_cleanup_free_ char *text = convert_escape(dir);
	bool first = true;
	int r;

	job->dir = dir;
	check.arg = job;
	r = fd < 0 ? -errno : check_tree(&check, fd);
	if (r < 0)
		return log_errno(r, "look through '%s'", dir);
	printf("%s: %s", text,
	       check.aufs && check.overlay ? "mixed"
	       : check.aufs		   ? "aufs"
	       : check.overlay		   ? "overlay"
					   : "plain");
	say(&first, check.whiteouts, "whiteout", "whiteouts");
	say(&first, check.opaques, "opaque directory", "opaque directories");
	say(&first, check.problems, "problem", "problems");
	puts("");
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
	return r < 0 ? r : job.failed ? EXIT_FAILED : EXIT_DONE;
}
