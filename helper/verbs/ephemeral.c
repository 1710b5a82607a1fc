/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ephemeral - start a container that stands on another one's stack and goes
 * when it stops, for whatever the other one is made of.
 *
 * Its config names the other container, read-only, and what is above. LXC's
 * own tools start it, run the command in it, and remove it.
 */
#include "../stack/container-view.h"
#include "../container/start-plan.h"
#include "../container/ephemeral.h"
#include "../stack/type.h"
#include "../container/running.h"
#include "../qemu/server.h"
#include "../command/verb.h"

#include <fcntl.h>
#include <signal.h>

#define END_WAIT_MS  10000
#define STOP_TRIES   3
#define EXIT_NOT_RUN 127 /* server_call(): the program could not be executed */

static volatile sig_atomic_t interrupted; /* by which signal */

static void interrupt(int signal)
{
	interrupted = signal;
}

/*
 * From now on a signal ends the program that is waited for, by stopping the container. It is delivered while
 * server_call() waits and at no other time, so that none is lost just before the wait.
 */
static void catch_signals(void)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
	const struct sigaction action = { .sa_handler = interrupt };
	sigset_t blocked;

	(void)sigemptyset(&blocked);
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
		(void)sigaddset(&blocked, signals[i]);
		(void)sigaction(signals[i], &action, NULL);
	}
	(void)sigprocmask(SIG_BLOCK, &blocked, NULL);
}

/* An option is wrong, or two exclude each other, or this host cannot do it: an exit code or -errno (logged); else 0. */
static int check_usage(const struct args *args)
{
	const char *backing = args->backing ?: "overlay", *name = args->newname;
	const struct bdev_type *type = bdev_find(backing);
	bool overlay = strcmp(backing, "overlay") == 0 || strcmp(backing, "overlayfs") == 0;

	if (!args->name)
		return log_refuse(EXIT_USAGE, "of which container? -n NAME");
	/* As in `--tmpfs 16m`, which is no size. */
	if (args->argc != args->behind)
		return log_refuse(EXIT_USAGE, "'%s': a command comes after --, a size after = (--tmpfs=SIZE)",
				  args->argv[0]);
	if (args->tmpfs && args->keepdata)
		return log_refuse(EXIT_USAGE, "--tmpfs and --keepdata: what is in memory cannot be kept");
	if (args->tmpfs && args->upper)
		return log_refuse(EXIT_USAGE, "--tmpfs and --upper: changes go to one of them");
	if (args->foreground && args->argc)
		return log_refuse(EXIT_USAGE, "--foreground and a command: only one can have the terminal");
	if (name &&
	    (!*name || strchr(name, '/') || strpbrk(name, "\n\r") || strcmp(name, ".") == 0 || strcmp(name, "..") == 0))
		return log_refuse(EXIT_USAGE, "--newname '%s' is not a container's name", name);
	if (!overlay && strcmp(backing, "aufs") != 0)
		return log_refuse(EXIT_USAGE, "--backing '%s': only overlay and aufs write above another container",
				  backing);
	if (type->impossible && type->impossible())
		return log_refuse(-EOPNOTSUPP, "--backing '%s': %s", backing, type->impossible());
	return 0;
}

/*
 * Where containers are, for the caller to free, or NULL (logged). LXC's tools know a running container by this very
 * text, so only what they do not take is changed.
 */
static char *lxcpath_text(const char *given)
{
	char *path = given ? xstrdup(given) : conf_lxcpath();

	if (*path != '/') {
		char *real = realpath(path, NULL);

		if (!real)
			(void)log_errno(-errno, "directory '%s'", path);
		free(path);
		return real;
	}
	for (size_t n = strlen(path); n > 1 && path[n - 1] == '/'; n--)
		path[n - 1] = '\0';
	return path;
}

/* The spec of the topmost layer, for the caller to free, or NULL (logged). */
static char *upper_spec(const struct args *args, const struct container *base)
{
	const char *type = args->backing ?: container_union(base->dir, false);
	_cleanup_free_ char *real = NULL, *escaped = NULL;

	if (!type)
		return NULL;
	if (!args->upper)
		return xasprintf("%s:delta0", type);
	real = realpath(args->upper, NULL);
	if (!real) {
		(void)log_errno(-errno, "--upper '%s' (make it, an empty directory)", args->upper);
		return NULL;
	}
	escaped = spec_escape(real);
	return xasprintf("%s:%s", type, escaped);
}

static char *tmpfs_spec(const struct args *args)
{
	_cleanup_free_ char *size = args->size ? spec_escape(args->size) : NULL;

	return size ? xasprintf("tmpfs:.,size=%s", size) : xstrdup("tmpfs:.");
}

/*
 * Find what the base writes to while it runs: *ret, for the caller to free; NULL: nothing that another could see. 0 or
 * -errno (logged).
 */
static int written_by(const struct container *base, const struct conf *conf, char **ret)
{
	struct plan plan = { .dirfd = -EBADF };
	int r = 0;

	*ret = NULL;
	if (!conf->stack.n) {
		*ret = xstrdup(conf->rootfs_path ?: "its root");
		return 0;
	}
	r = container_plan(base, conf, NULL, &plan);
	if (r == 0 && plan.writer)
		*ret = xstrdup(plan.writer->text);
	container_plan_close(&plan);
	return r;
}

/* 0 or -errno (logged). That another one writes to the base's stack, nobody would notice if that is no image. */
static int check_base(const struct args *args, const struct container *base, const struct conf *conf)
{
	_cleanup_free_ char *lxcpath = lxcpath_text(args->lxcpath), *parent = xstrdup(base->dir), *written = NULL;
	int r = lxcpath ? ephemeral_is(base->config) : -ENOENT;

	if (r > 0)
		return log_refuse(-EINVAL, "container '%s' is ephemeral itself: it would go while it is used",
				  base->name);
	if (r < 0)
		return r;
	*strrchr(parent, '/') = '\0';
	r = base_is_running(lxcpath, base->name) ?: base_is_running(parent, base->name);
	if (r < 0)
		return log_errno(r, "ask whether container '%s' is running", base->name);
	r = r ? written_by(base, conf, &written) : 0;
	return written ? log_refuse(-EBUSY, "container '%s' is running and writes to '%s': stop it first", base->name,
				    written)
		       : r;
}

/* Read the base, make the new container. 0 or -errno (logged). */
static int make(const struct args *args, const struct container *base, const char *lxcpath, struct ephemeral *ret)
{
	_cleanup_free_ char *upper = upper_spec(args, base), *tmpfs = args->tmpfs ? tmpfs_spec(args) : NULL;
	const char *specs[3] = { tmpfs ?: upper, tmpfs ? upper : NULL };
	struct conf conf = { 0 };
	int r;

	*ret = (struct ephemeral){ .log = -EBADF };
	if (!upper)
		return -EINVAL;
	r = conf_read(base->config, &conf);
	if (r == 0)
		r = check_base(args, base, &conf);
	if (r == 0)
		r = ephemeral_make(
			&(struct ephemeral_request){
				.base = base,
				.conf = &conf,
				.lxcpath = lxcpath,
				.name = args->newname,
				.specs = specs,
				.keepdata = args->keepdata,
				.keepname = args->keepname,
			},
			ret);
	conf_clear(&conf);
	return r;
}

/* What its start would refuse, said here and not in a log. 0 or -errno (logged). */
static int check_plan(const struct ephemeral *ephemeral)
{
	struct plan plan = { .dirfd = -EBADF };
	struct container container;
	struct conf conf = { 0 };
	int r;

	r = container_from_config(ephemeral->name, ephemeral->config, &container);
	if (r == 0)
		r = conf_read(container.config, &conf);
	if (r == 0)
		r = container_plan(&container, &conf, NULL, &plan);
	container_plan_close(&plan);
	conf_clear(&conf);
	container_clear(&container);
	return r;
}

/* Let programs that are run write their errors to fd. The descriptor to give back later, or -1. */
static int redirect_errors(int fd)
{
	int saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);

	if (fd >= 0 && saved >= 0)
		(void)dup2(fd, STDERR_FILENO);
	return saved;
}

/*
 * The log is at the level at which LXC shows what hooks say. lxc-start writes errors to stderr in spite of -q: there, a
 * container in the foreground writes, too.
 */
static int start(const struct args *args, const struct ephemeral *ephemeral, const char *lxcpath)
{
	const char *const argv[] = { "lxc-start",
				     "-P",
				     lxcpath,
				     "-n",
				     ephemeral->name,
				     "-q",
				     "-o",
				     ephemeral->logfile,
				     "-l",
				     "DEBUG",
				     args->foreground ? "-F" : "-d",
				     "-s",
				     args->keepdata ? "lxc.ephemeral=0" : "lxc.ephemeral=1",
				     NULL };
	_cleanup_close_ int null = -EBADF, saved = -EBADF;
	int r;

	if (!args->foreground) {
		null = open("/dev/null", O_WRONLY | O_CLOEXEC);
		saved = redirect_errors(null);
	}
	r = server_call(argv);
	if (saved >= 0)
		(void)dup2(saved, STDERR_FILENO);
	return r < 0 && !interrupted ? log_errno(r, "run lxc-start") : r;
}

/* 0, or -errno (logged): the container may still run. */
static int stop(const struct ephemeral *ephemeral, const char *lxcpath, bool kill)
{
	const char *const argv[] = { "lxc-stop", "-P", lxcpath, "-n", ephemeral->name, "-q", kill ? "-k" : NULL, NULL };
	int status = -EINTR, r;

	/* A second ^C ends lxc-stop, and is no reason to leave the container running. */
	for (int i = 0; i < STOP_TRIES && status == -EINTR; i++)
		status = server_call(argv);
	/* It may have stopped by itself, so that lxc-stop failed; only its end counts. */
	r = ephemeral_wait_end(ephemeral, status < 0 || status == EXIT_NOT_RUN ? 0 : END_WAIT_MS);
	if (r == 0)
		return 0;
	if (status < 0)
		return log_errno(status, "'%s' is still running: run lxc-stop", ephemeral->name);
	if (r == -ETIMEDOUT)
		return log_refuse(-EBUSY, "'%s' is still running: lxc-stop ended with status %d", ephemeral->name,
				  status);
	return log_errno(r, "find out whether '%s' has ended", ephemeral->name);
}

/* lxc-start failed. 0: not to start; else an exit code or -errno, after an error line. */
static int start_failed(const struct ephemeral *ephemeral, int status)
{
	_cleanup_free_ char *complaint = NULL;
	bool ran;

	/* Its post-stop still runs, and then LXC removes it. */
	(void)ephemeral_wait_end(ephemeral, END_WAIT_MS);
	complaint = ephemeral_complaint(ephemeral, &ran);
	if (ran)
		return status;
	(void)ephemeral_remove(ephemeral);
	return complaint ? log_refuse(-ECANCELED, "'%s' does not start: %s", ephemeral->name, complaint)
			 : log_refuse(-ECANCELED, "'%s' does not start: lxc-start ended with status %d",
				      ephemeral->name, status);
}

static int run_command(const struct args *args, const struct ephemeral *ephemeral, const char *lxcpath)
{
	const char *const attach[] = { "lxc-attach", "-P", lxcpath, "-n", ephemeral->name, "--clear-env", "--" };
	const char **argv = xcalloc(ARRAY_SIZE(attach) + (size_t)args->argc + 1, sizeof(*argv));
	int r, stopped;

	memcpy(argv, attach, sizeof(attach));
	for (int i = 0; i < args->argc; i++)
		argv[ARRAY_SIZE(attach) + (size_t)i] = args->argv[i];
	catch_signals();
	r = server_call(argv);
	if (r < 0 && !interrupted)
		r = log_errno(r, "run lxc-attach");
	free(argv);
	/* What is kept is worth a shutdown. */
	stopped = stop(ephemeral, lxcpath, !args->keepdata && !args->upper);
	if (stopped < 0)
		return stopped;
	return interrupted ? 128 + interrupted : r;
}

static int run_container(const struct args *args, const struct ephemeral *ephemeral, const char *lxcpath)
{
	int r, stopped = 0;

	if (args->foreground) {
		printf("Created %s as clone of %s\n", ephemeral->name, args->name);
		(void)fflush(stdout);
		catch_signals();
	}
	r = start(args, ephemeral, lxcpath);
	if (interrupted)
		stopped = stop(ephemeral, lxcpath, !args->keepdata && !args->upper);
	else if (r > 0)
		r = start_failed(ephemeral, r);
	else if (r < 0)
		(void)ephemeral_remove(ephemeral);
	if (stopped < 0)
		return stopped;
	if (r || args->foreground)
		return interrupted ? 128 + interrupted : r;

	printf("Created %s as clone of %s\n", ephemeral->name, args->name);
	if (!args->argc)
		return 0;
	(void)fflush(stdout);
	return run_command(args, ephemeral, lxcpath);
}

static int run(const struct args *args)
{
	_cleanup_free_ char *lxcpath = NULL;
	struct ephemeral ephemeral = { .log = -EBADF };
	struct container base;
	int r = check_usage(args);

	if (r)
		return r;
	r = container_from_lxcpath(args->name, args->lxcpath, &base);
	if (r == 0) {
		lxcpath = lxcpath_text(args->newpath ?: args->lxcpath);
		r = lxcpath ? make(args, &base, lxcpath, &ephemeral) : -ENOENT;
	}
	if (r == 0) {
		r = check_plan(&ephemeral) ?: ephemeral_record(&ephemeral);
		if (r < 0)
			(void)ephemeral_remove(&ephemeral);
		else
			r = run_container(args, &ephemeral, lxcpath);
	}
	ephemeral_clear(&ephemeral);
	container_clear(&base);
	return r;
}

const struct verb verb_ephemeral = {
	.name = "ephemeral",
	.usage = "-n NAME [-P LXCPATH] [-N NEWNAME] [-p NEWPATH] [--tmpfs[=SIZE] | --upper DIR] [--backing TYPE] "
		 "[--keepdata] [--keepname] [-F | -- COMMAND...]",
	.summary = "start a container on another one's stack, which goes when it stops",
	.options = "nPNptUBDKg",
	.max = -1,
	.run = run,
};
