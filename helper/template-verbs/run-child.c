/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * run-child - run a program, and end all its descendants when it ends.
 *
 * For the template. A program may leave processes behind, also in mount namespaces of their own, where they keep the
 * new container's file system mounted and its loop device in use. This process is the subreaper of all its descendants,
 * so each of them becomes its child at the latest when its own parent ends. They are ended when the program has ended,
 * at SIGTERM, and when the parent of this process dies, even by SIGKILL.
 *
 * A pid namespace would do the same. But creating one may be refused, it needs a /proc of its own, and the pids that a
 * program records in /run/lxc-bdev must be those of the host.
 */
#include "../base/text.h"
#include "../base/cleanup.h"
#include "../base/log.h"
#include "../base/process.h"
#include "../command/verb.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#define SHOW_AFTER_MS 1000 /* shorter runs need no progress */
#define SHOW_EACH_MS  500
#define LOOK_EACH_MS  50
#define KILL_AFTER_MS 1000 /* after SIGTERM, on which a program may clean up */
#define GIVE_UP_MS    6000 /* a process in an uninterruptible system call does not end */

struct job {
	pid_t program;
	int status;	   /* of the program, as wait(2) gives it */
	const char *shown; /* the name of the work, for its progress; "": no progress */
	int terminal;	   /* -EBADF: no progress shown yet */
	long long since;   /* start time of the program */
	long long ending;  /* start time of ending all; 0: not yet */
	pid_t *terminated; /* children that were sent SIGTERM */
	size_t nterminated;
};

/* Write how much the program has written so far to the terminal, if there is one. */
static void show_progress(struct job *job)
{
	unsigned long long written;
	char path[32], text[512];
	const char *at;

	if (!*job->shown || job->ending || process_clock() - job->since < SHOW_AFTER_MS)
		return;
	if (job->terminal < 0)
		job->terminal = open("/dev/tty", O_WRONLY | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
	(void)snprintf(path, sizeof(path), "/proc/%d/io", (int)job->program);
	if (job->terminal < 0 || text_begin(path, text, sizeof(text)) < 0)
		return;
	at = strstr(text, "wchar: ");
	if (at && sscanf(at, "wchar: %llu", &written) == 1)
		(void)dprintf(job->terminal, "\r\033[Klxc-bdev: %s, %llu MiB written ", job->shown, written >> 20);
}

static void clear_progress(struct job *job)
{
	if (job->terminal >= 0)
		(void)dprintf(job->terminal, "\r\033[K");
	cleanup_close(&job->terminal);
	job->terminal = -EBADF;
}

static bool got_sigterm(const struct job *job, pid_t pid)
{
	for (size_t i = 0; i < job->nterminated; i++)
		if (job->terminated[i] == pid)
			return true;
	return false;
}

/*
 * Send SIGTERM, or later SIGKILL, to all children. Their own children become ours when they end, and get the signal in
 * the next round. No child is reaped in between, so the pids stay valid. Returns 0 or -errno (logged).
 */
static int signal_children(struct job *job)
{
	bool end = process_clock() - job->ending >= KILL_AFTER_MS;
	struct dirent *entry;
	DIR *dir = opendir("/proc");

	if (!dir)
		return log_errno(-errno, "open '/proc'");
	while ((entry = readdir(dir))) {
		pid_t pid = isdigit((unsigned char)*entry->d_name) ? (pid_t)strtol(entry->d_name, NULL, 10) : 0;

		if (pid <= 0 || process_parent(pid) != getpid())
			continue;
		if (!end && got_sigterm(job, pid))
			continue;
		(void)kill(pid, end ? SIGKILL : SIGTERM);
		if (!end)
			*ARRAY_ADD(job->terminated, job->nterminated) = pid;
	}
	(void)closedir(dir);
	return 0;
}

/* Reap the children that have ended. Returns whether others are left. */
static bool reap_children(struct job *job)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid != job->program)
			continue;
		job->status = status;
		if (!job->ending)
			job->ending = process_clock();
		clear_progress(job);
	}
	return pid == 0;
}

/* Execute the program with the state that this process was started with, except for what main() has set for itself. */
_Noreturn static void execute(char **command, const sigset_t *mask, mode_t umask_before)
{
	/* The program ends with this process. Its children do not inherit this. */
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)signal(SIGXFSZ, SIG_DFL);
	(void)umask(umask_before);
	(void)sigprocmask(SIG_SETMASK, mask, NULL);
	(void)execvp(*command, command);
	(void)log_errno(-errno, "run '%s'", *command);
	_exit(127);
}

/* Wait for the program, and end its descendants. Returns 0, or -EBUSY (logged): some process does not end. */
static int attend(struct job *job)
{
	sigset_t awaited;

	(void)sigemptyset(&awaited);
	(void)sigaddset(&awaited, SIGCHLD);
	(void)sigaddset(&awaited, SIGTERM);
	while (reap_children(job)) {
		int ms = job->ending ? LOOK_EACH_MS : SHOW_EACH_MS;
		const struct timespec wait = { .tv_nsec = ms * 1000000L };

		if (job->ending && process_clock() - job->ending >= GIVE_UP_MS)
			return log_refuse(-EBUSY, "a descendant of this process does not end");
		if (job->ending && signal_children(job) < 0)
			return -EBUSY;
		show_progress(job);
		if (sigtimedwait(&awaited, NULL, &wait) == SIGTERM && !job->ending)
			job->ending = process_clock();
	}
	return 0;
}

struct run_child_options {
	pid_t monitor;
};

static int run(const struct args *args)
{
	const struct run_child_options *options = args->options;
	struct job job = { .shown = args->argv[0], .terminal = -EBADF, .since = process_clock() };
	sigset_t all, before;
	int r;

	if (!options->monitor)
		return log_refuse(EXIT_USAGE, "missing process id of the parent; use --monitor");
	/*
	 * Block all signals. The parent gets those of the terminal as well, and decides; and a blocked SIGTERM arrives
	 * even if the caller ignores it.
	 */
	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, &before);
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0 || prctl(PR_SET_PDEATHSIG, SIGTERM) < 0)
		return log_errno(-errno, "watch the processes that '%s' starts", args->argv[1]);
	if (getppid() != options->monitor)
		return log_refuse(EXIT_FAILED, "process %d is not, or no longer, the parent", (int)options->monitor);
	job.program = fork();
	if (job.program < 0)
		return log_errno(-errno, "fork");
	if (job.program == 0)
		execute(args->argv + 1, &before, args->umask);
	r = attend(&job);
	clear_progress(&job);
	free(job.terminated);
	if (r < 0)
		return r;
	return WIFEXITED(job.status) ? WEXITSTATUS(job.status) : 128 + WTERMSIG(job.status);
}

static const struct verb_option run_child_table[] = {
	{ .name = "monitor",
	  .value = "PID",
	  .summary = "the parent; this process ends with it",
	  .take = option_pid,
	  AT(struct run_child_options, monitor) },
	{ .name = NULL },
};

const struct verb verb_run_child = {
	.name = "run-child",
	.words = "SHOWN PROGRAM [ARGUMENT]...",
	.summary = "run a program, and end all its descendants",
	.options = run_child_table,
	.size = sizeof(struct run_child_options),
	.hidden = true,
	.min = 2,
	.max = -1,
	.run = run,
};
