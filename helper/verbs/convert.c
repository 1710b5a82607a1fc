/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * convert - deltas between aufs' form and overlay's.
 */
#include "../core/aufsstore.h"
#include "../core/check.h"
#include "../core/cleanup.h"
#include "../core/convert.h"
#include "../core/log.h"
#include "../core/path.h"
#include "../core/progress.h"
#include "convert-list.h"
#include "convert-named.h"
#include "verbs.h"

#include <fcntl.h>

#define LINES_MAX 100 /* of one kind on stderr */

/* One run of the verb. */
struct job {
	const struct args *args;
	enum delta_form to;
	bool look;   /* only that */
	bool failed; /* one of them */
	int *lowers;
	size_t nlowers;
	/* of one delta */
	const char *dir;
	struct progress progress;
	uint64_t warnings;
};

/* A line for all that is found. */
static void list_found(struct convert *convert, enum convert_kind kind, const char *path, const char *why)
{
	(void)convert;
	convert_list(kind, NULL, path, why);
}

static bool is_aufs_own(const char *path)
{
	const char *slash = strrchr(path, '/');

	return strncmp(slash ? slash + 1 : path, ".wh.", 4) == 0;
}

/* What cannot be converted, and what is lost. */
static void warn_found(struct convert *convert, enum convert_kind kind, const char *path, const char *why)
{
	struct job *job = convert->arg;
	_cleanup_free_ char *text = NULL;

	if (kind != CONVERT_FOREIGN && (kind != CONVERT_HIDDEN || is_aufs_own(path)))
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

static void print_sum(const struct convert *convert, const char *dir, bool look)
{
	const uint64_t *counts = convert->counts;
	bool first = true;
	uint64_t sum = 0;

	for (size_t i = 0; i < ARRAY_SIZE(convert->counts); i++)
		sum += counts[i];
	if (!sum) {
		printf("%s: nothing to convert: nothing in it is in the form of %s\n", dir,
		       convert_form(&convert->from));
		return;
	}
	printf("%s: %s %s", dir, convert_form(&convert->to), look ? "it would be" : "now");
	say(&first, counts[CONVERT_WHITEOUT], "whiteout", "whiteouts");
	say(&first, counts[CONVERT_OPAQUE], "opaque directory", "opaque directories");
	say(&first, counts[CONVERT_HIDDEN], "hidden name dropped", "hidden names dropped");
	say(&first, counts[CONVERT_GHOST], "whiteout of nothing dropped", "whiteouts of nothing dropped");
	say(&first, counts[CONVERT_OWN], "file with attributes dropped", "files with attributes dropped");
	say(&first, counts[CONVERT_FOREIGN], "thing that it cannot say", "things that it cannot say");
	puts("");
}

/* Change nothing. 0 or -errno (logged). */
static int look(struct convert *convert, const char *dir)
{
	_cleanup_close_ int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = fd < 0 ? -errno : check_form(&convert->from, fd);

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

	convert_begin(&convert, job->to, job->args->userxattr);
	convert.lowers = lowers;
	convert.nlowers = n;
	convert.arg = job;
	convert.found = job->args->dry_run ? list_found : warn_found;
	job->dir = dir;
	job->warnings = 0;
	progress_begin(&job->progress, "converted", &convert.copy);
	if (job->look || job->args->dry_run)
		r = look(&convert, dir);
	else if (job->args->to)
		r = to_new(&convert, dir, job->args->to);
	else
		r = convert_in_place(&convert, AT_FDCWD, dir);
	progress_end(&job->progress);
	if (!job->args->dry_run) {
		warn_more(job, convert.counts[CONVERT_FOREIGN], "that cannot be said");
		warn_more(job, job->warnings, "that are dropped");
	}
	if (job->args->dry_run || (r == 0 && !job->look))
		print_sum(&convert, job->args->to && !job->args->dry_run ? job->args->to : dir, job->args->dry_run);
	return r;
}

/* The layers are looked through before the first is converted. */
static int convert_store(struct job *job, const char *dir)
{
	int r = 0;

	job->look = true;
	if (!job->args->dry_run)
		r = aufsstore_each(dir, convert_delta, job);
	if (r == -EINVAL)
		return log_refuse(r, "'%s': a layer cannot be said in the other form; nothing was changed", dir);
	job->look = false;
	return r < 0 ? r : aufsstore_each(dir, convert_delta, job);
}

static int convert_dir(struct job *job, const char *dir)
{
	if (!aufsstore_is(dir))
		return convert_delta(job, dir, job->lowers, job->nlowers);
	if (job->args->to || job->nlowers)
		return log_refuse(-EINVAL,
				  "'%s' is a store of layers: it is converted in its place, and says itself what "
				  "they lie on",
				  dir);
	return convert_store(job, dir);
}

/* --- check --- */

static void list_problem(struct check *check, const char *what, const char *path, const char *why)
{
	_cleanup_free_ char *text = convert_escape(path);

	(void)check;
	printf("%s %s: %s\n", what, text, why);
}

/* 0: clean. */
static int check_dir(struct job *job, const char *dir)
{
	struct check check = {
		.user = job->args->userxattr, .lowers = job->lowers, .nlowers = job->nlowers, .found = list_problem
	};
	_cleanup_close_ int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = fd < 0 ? -errno : check_tree(&check, fd);
	bool first = true;

	if (r < 0)
		return log_errno(r, "look through '%s'", dir);
	printf("%s: %s", dir,
	       check.aufs && check.overlay ? "mixed"
	       : check.aufs		   ? "aufs"
	       : check.overlay		   ? "overlay"
					   : "plain");
	say(&first, check.whiteouts, "whiteout", "whiteouts");
	say(&first, check.opaques, "opaque directory", "opaque directories");
	say(&first, check.problems, "problem", "problems");
	puts("");
	return check.problems ? -EINVAL : 0;
}

/* --- the verb --- */

static int open_lowers(struct job *job)
{
	for (size_t i = 0; i < job->args->nlowers; i++) {
		int fd = open(job->args->lowers[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		if (fd < 0)
			return log_errno(-errno, "open '%s'", job->args->lowers[i]);
		*ARRAY_ADD(job->lowers, job->nlowers) = fd;
	}
	return 0;
}

/* All of them, whatever becomes of one. */
static int run_dirs(const struct args *args, enum delta_form to, char **dirs)
{
	struct job job = { .args = args, .to = to };
	int r = open_lowers(&job);

	for (; r == 0 && *dirs; dirs++) {
		_cleanup_free_ char *dir = realpath(*dirs, NULL);
		int one = dir ? 0 : log_errno(-errno, "directory '%s'", *dirs);

		if (one == 0)
			one = args->check ? check_dir(&job, dir) : convert_dir(&job, dir);
		if (one < 0)
			job.failed = true;
	}
	while (job.nlowers)
		(void)close(job.lowers[--job.nlowers]);
	free(job.lowers);
	return r < 0 ? r : job.failed ? EXIT_FAILED : EXIT_DONE;
}

static int run(const struct args *args)
{
	const char *to = args->argc ? args->argv[0] : "";
	bool overlay = strcmp(to, "overlay") == 0;

	if (args->check) {
		if (args->to || args->dry_run || args->name)
			return log_refuse(EXIT_USAGE, "--check takes no -n, no --to and no --dry-run");
		return run_dirs(args, DELTA_OVERLAY, args->argv);
	}
	if (!overlay && strcmp(to, "aufs") != 0)
		return log_refuse(EXIT_USAGE, "'%s': convert to overlay, or to aufs", to);
	if (args->name && (args->argc > 1 || args->to || args->nlowers || args->userxattr))
		return log_refuse(EXIT_USAGE, "-n takes no directory, and no option but --dry-run");
	if (args->name)
		return convert_named(args, overlay ? DELTA_OVERLAY : DELTA_AUFS);
	if (args->argc < 2)
		return log_refuse(EXIT_USAGE, "usage: lxc-bdev convert %s", verb_convert.usage);
	if (args->to && args->argc > 2)
		return log_refuse(EXIT_USAGE, "--to takes one directory");
	return run_dirs(args, overlay ? DELTA_OVERLAY : DELTA_AUFS, args->argv + 1);
}

const struct verb verb_convert = {
	.name = "convert",
	.usage = "overlay|aufs DIR... [--to=NEW] [--lower=DIR]... [--userxattr] [--dry-run]; or -n NAME "
		 "[-P LXCPATH] overlay|aufs [--dry-run]; or --check DIR...",
	.summary = "deltas from aufs' form to overlay's, or back",
	.options = "nPOLuyc",
	.min = 1,
	.max = -1,
	.run = run,
};
