/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ephemeral-run - start an ephemeral container with LXC's tools, run a command in it, stop it. */
#include "ephemeral-run.h"
#include "../base/cleanup.h"
#include "../base/log.h"
#include "../container/lxc.h"
#include "../qemu/server.h"

#include <fcntl.h>
#include <signal.h>

#define END_WAIT_MS 10000
#define STOP_TRIES  3

static volatile sig_atomic_t interrupted; /* the signal, or 0 */

static void interrupt(int signal)
{
	interrupted = signal;
}

/*
 * Let signals stop the container, which ends the program that is waited for. Signals are delivered only while
 * server_call() waits, so that none is lost just before the wait.
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

/* Redirect the stderr of started programs to fd. Returns a copy of the previous stderr, or -1. */
static int redirect_errors(int fd)
{
	int saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);

	if (fd >= 0 && saved >= 0)
		(void)dup2(fd, STDERR_FILENO);
	return saved;
}

/*
 * Start the container by lxc-start, and not by liblxc's start(), which would make this process the monitor, with its
 * descriptors and libraries. The program brings the AppArmor profile that hosts have for it, and a log of its own.
 *
 * The log level is the one at which LXC logs the output of hooks. lxc-start writes errors to stderr in spite of -q; in
 * the foreground, the container writes there, too. Returns 0, an exit status, or -errno (logged unless interrupted).
 */
static int start(const struct ephemeral_options *options, const struct ephemeral *ephemeral, const char *lxcpath)
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
				     options->foreground ? "-F" : "-d",
				     "-s",
				     options->keepdata ? "lxc.ephemeral=0" : "lxc.ephemeral=1",
				     NULL };
	_cleanup_close_ int null = -EBADF, saved = -EBADF;
	int r;

	if (!options->foreground) {
		null = open("/dev/null", O_WRONLY | O_CLOEXEC);
		saved = redirect_errors(null);
	}
	r = server_call(argv);
	if (saved >= 0)
		(void)dup2(saved, STDERR_FILENO);
	return r < 0 && !interrupted ? log_errno(r, "run lxc-start") : r;
}

/* Stop the container. Returns 0, or -errno (logged): the container may still run. */
static int stop(const struct ephemeral *ephemeral, const char *lxcpath, bool kill)
{
	int stopped = -EINTR, r;

	/* A second ^C ends the stopping, but must not leave the container running. */
	for (int i = 0; i < STOP_TRIES && stopped == -EINTR; i++)
		stopped = lxc_stop(lxcpath, ephemeral->name, kill);
	/* LXC cannot stop a container that has stopped by itself; only the end of the container counts. */
	r = ephemeral_wait_end(ephemeral, stopped == 0 || stopped == -EIO ? END_WAIT_MS : 0);
	if (r == 0)
		return 0;
	if (r == -ETIMEDOUT)
		return log_refuse(-EBUSY, "'%s' is still running: run lxc-stop -P '%s' -n '%s'", ephemeral->name,
				  lxcpath, ephemeral->name);
	return log_errno(r, "find out whether '%s' has ended", ephemeral->name);
}

/* Handle a failure of lxc-start. Returns an exit status or -errno, after an error line. */
static int start_failed(const struct ephemeral *ephemeral, int status)
{
	_cleanup_free_ char *complaint = NULL;
	bool ran;

	/* The post-stop still runs, and then LXC removes the container. */
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
	const struct ephemeral_options *options = args->options;
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
	/* A container that is kept gets a clean shutdown. */
	stopped = stop(ephemeral, lxcpath, !options->keepdata && !options->upper);
	if (stopped < 0)
		return stopped;
	return interrupted ? 128 + interrupted : r;
}

int ephemeral_run(const struct args *args, const struct ephemeral *ephemeral, const char *lxcpath)
{
	const struct ephemeral_options *options = args->options;
	int r, stopped = 0;

	if (options->foreground) {
		printf("Created %s as clone of %s\n", ephemeral->name, options->name);
		(void)fflush(stdout);
		catch_signals();
	}
	r = start(options, ephemeral, lxcpath);
	if (interrupted)
		stopped = stop(ephemeral, lxcpath, !options->keepdata && !options->upper);
	else if (r > 0)
		r = start_failed(ephemeral, r);
	else if (r < 0)
		(void)ephemeral_remove(ephemeral);
	if (stopped < 0)
		return stopped;
	if (r || options->foreground)
		return interrupted ? 128 + interrupted : r;

	printf("Created %s as clone of %s\n", ephemeral->name, options->name);
	if (!args->argc)
		return 0;
	(void)fflush(stdout);
	return run_command(args, ephemeral, lxcpath);
}
