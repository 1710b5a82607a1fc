/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * server - start a process that serves an image, independent of its parent, so
 * that it lives as long as the image has users.
 *
 * - It is not in the monitor's mount namespace: the server would keep that
 *   alive, and thereby the mount that uses the server.
 * - It is not in the caller's cgroup: the end of a session or a service kills
 *   all processes there. LXC also makes cgroups outside of systemd's.
 * - It has PR_SET_IO_FLUSHER: when memory is short, it must not wait for pages
 *   that only the server itself can write back.
 */
#include "server.h"
#include "../kernel/namespace.h"
#include "../base/cleanup.h"
#include "../base/log.h"
#include "../kernel/mount.h"
#include "../base/path.h"
#include "../base/program.h"
#include "sandbox.h"
#include "../kernel/cgroup.h"
#include "../record-kinds/server.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/openat2.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define FIRST_FD     3
#define END_WAIT_MS  10000
#define WAIT_POLL_NS 20000000
#define OOM_SCORE    "-900" /* almost never kill a process that a file system needs */

#ifndef PR_SET_IO_FLUSHER
#define PR_SET_IO_FLUSHER 57
#endif

static void write_file(const char *path, const char *text)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd >= 0)
		(void)!write(fd, text, strlen(text));
}

/* Enter the mount namespace of process 1 (the host) or, if not permitted, a copy of ours. Returns 0 or -errno. */
static int leave_mount_namespace(const struct server_request *request, const char *program)
{
	_cleanup_close_ int host = open("/proc/1/ns/mnt", O_RDONLY | O_CLOEXEC);
	/* The paths that programs, libraries, their configuration and we need; the last ones may be NULL. */
	const char *const needed[] = { "/proc",	 "/sys", "/dev",  "/usr",	  "/bin",	  "/lib",
				       "/lib64", "/etc", RUN_DIR, program ?: "/", request->needs, NULL };
	bool copy = false;

	if (request->home >= 0 && setns(request->home, CLONE_NEWNS) < 0)
		return -errno;
	if (host < 0 || setns(host, CLONE_NEWNS) < 0)
		copy = true;
	return copy ? namespace_copy(needed) : 0;
}

/* Move the given descriptors to 3 and up, and close all others. Returns 0 or -errno. */
static int take_fds(const struct server_request *request, int log)
{
	int null = open("/dev/null", O_RDWR);
	int *high = xcalloc(request->nfds + 1, sizeof(*high)), first = FIRST_FD + (int)request->nfds;

	if (null < 0)
		return -errno;
	if (dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0 || dup2(log, STDERR_FILENO) < 0)
		return -errno;
	for (size_t i = 0; i < request->nfds; i++) {
		high[i] = fcntl(request->fds[i], F_DUPFD, first);
		if (high[i] < 0)
			return -errno;
	}
	for (size_t i = 0; i < request->nfds; i++)
		if (dup2(high[i], FIRST_FD + (int)i) < 0)
			return -errno;
	free(high);
	return syscall(SYS_close_range, first, ~0U, 0) < 0 ? -errno : 0;
}

static void default_signals(void)
{
	sigset_t none;

	for (int i = 1; i < NSIG; i++)
		(void)signal(i, SIG_DFL);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/*
 * Remove the caller's resource limits, as far as permitted: a server outlives its caller and has other users. Before
 * Linux 5.12, a limit on locked memory prevents io_uring for unprivileged users.
 */
static void default_limits(void)
{
	static const int limits[] = { RLIMIT_FSIZE, RLIMIT_CPU, RLIMIT_DATA, RLIMIT_AS, RLIMIT_RSS, RLIMIT_MEMLOCK };
	const struct rlimit none = { RLIM_INFINITY, RLIM_INFINITY };

	for (size_t i = 0; i < ARRAY_SIZE(limits); i++)
		(void)setrlimit(limits[i], &none);
}

/* A program found before the mount namespace was left. In the new one, its path may be another file. */
struct found {
	char *path; /* NULL: not found */
	struct stat st;
};

static struct found find(const char *name)
{
	_cleanup_free_ char *path = program_find(name);
	struct found found = { .path = path ? realpath(path, NULL) : NULL };

	if (found.path && stat(found.path, &found.st) < 0) {
		free(found.path);
		found.path = NULL;
	}
	return found;
}

static bool is_there(const struct found *found)
{
	_cleanup_close_ int fd =
		found->path ? path_resolve(AT_FDCWD, found->path, O_PATH, RESOLVE_NO_SYMLINKS) : -EBADF;
	struct stat st;

	return fd >= 0 && fstat(fd, &st) == 0 && st.st_dev == found->st.st_dev && st.st_ino == found->st.st_ino;
}

/* Execute the program in its sandbox. Returns -errno only, with *ret_what naming the action that failed. */
static int execute(const struct server_request *request, const struct found *found, const char **ret_what)
{
	/* With mounts or a root of the caller's own, its program may not be there. */
	char *path = is_there(found) ? found->path : program_find_system(request->name);
	_cleanup_free_ char *marked = xasprintf("@%s", request->name);
	const struct sandbox sandbox = {
		.program = path,
		.first = FIRST_FD + 1, /* FIRST_FD is its socket */
		.nfiles = request->nfds - 1,
		.nwritten = request->nwritten,
		.network = request->network,
	};
	const char **argv = NULL;
	char *environment[4] = { program_path() };
	size_t n = 0;
	int r;

	*ret_what = "find it";
	if (!path)
		return -ENOENT;

	*ARRAY_ADD(argv, n) = marked;
	for (size_t i = 0; request->argv[i]; i++)
		*ARRAY_ADD(argv, n) = request->argv[i];
	(void)ARRAY_ADD(argv, n);
	if (request->listens) {
		environment[1] = (char *)"LISTEN_FDS=1";
		environment[2] = xasprintf("LISTEN_PID=%d", (int)getpid());
	}
	r = sandbox_enter(&sandbox, ret_what);
	if (r < 0)
		return r;
	*ret_what = xasprintf("execute '%s'", path);
	(void)execve(path, (char **)argv, environment);
	return -errno;
}

/* Become the server, in the child. The parent reads its stderr. */
static _Noreturn void become(const struct server_request *request, int go, int log)
{
	const struct found found = request->argv ? find(request->name) : (struct found){ 0 };
	const char *what = "prepare it";
	char byte;
	int r;

	/* Wait until we are recorded, or the parent has died. */
	if (read(go, &byte, 1) != 1)
		_exit(1);
	(void)setsid();
	(void)chdir("/");
	default_signals();
	default_limits();
	write_file("/proc/self/oom_score_adj", OOM_SCORE);
	(void)prctl(PR_SET_IO_FLUSHER, 1, 0, 0, 0); /* Linux 5.6 */
	r = leave_mount_namespace(request, found.path);
	if (r == 0)
		r = take_fds(request, log);
	if (r == 0)
		log = STDERR_FILENO; /* take_fds() closed the other one */
	if (r == 0 && !request->argv) {
		*program_invocation_name = '@'; /* this is argv[0] */
		(void)prctl(PR_SET_NAME, request->name, 0, 0, 0);
		_exit(request->run(request->arg));
	}
	if (r == 0)
		r = execute(request, &found, &what);
	(void)dprintf(log, "%s: %s\n", what, strerror(-r));
	_exit(1);
}

int server_start(const struct server_request *request, struct journal *journal, struct server *ret)
{
	_cleanup_close_ int log = memfd_create("stderr", MFD_CLOEXEC);
	struct process self = { 0 };
	int go[2], r;

	if (log < 0 || pipe2(go, O_CLOEXEC) < 0)
		return log_errno(-errno, "start %s", request->name);
	ret->pid = fork();
	if (ret->pid == 0) {
		(void)close(go[1]);
		become(request, go[0], log);
	}
	(void)close(go[0]);
	r = ret->pid < 0 ? log_errno(-errno, "start %s", request->name) : process_identify(ret->pid, &self);
	if (r == 0 && journal)
		r = server_record(journal, &self, request->name);
	if (r == 0 && write(go[1], "", 1) != 1)
		r = log_errno(-errno, "start %s", request->name);
	(void)close(go[1]);
	ret->mover = r == 0 ? cgroup_move(ret->pid) : -1;
	if (r < 0 && ret->pid > 0)
		(void)waitpid(ret->pid, NULL, 0);
	ret->log = r < 0 ? -EBADF : TAKE_FD(log);
	return r;
}

char *server_complaint(const struct server *server)
{
	char text[4096], *line = text, *colon;
	ssize_t n = server->log < 0 ? -1 : pread(server->log, text, sizeof(text) - 1, 0);

	if (n <= 0)
		return NULL;
	text[n] = '\0';
	text[strcspn(text, "\n")] = '\0';
	/* "@qemu-nbd: Failed to ...", maybe with the whole graph in between. */
	colon = strstr(line, ": ");
	if (*line == '@' && colon)
		line = colon + 2;
	for (colon = strstr(line, "}': "); colon; colon = strstr(line, "}': "))
		line = colon + 4;
	return xstrdup(line);
}

void server_close(struct server *server)
{
	if (server->mover > 0)
		(void)waitpid(server->mover, NULL, 0);
	server->mover = -1;
	cleanup_close(&server->log);
	server->log = -EBADF;
}

void server_end(struct server *server)
{
	struct process process;

	if (server->pid > 0 && process_identify(server->pid, &process) == 0) {
		(void)kill(server->pid, SIGTERM);
		(void)process_wait(&process, END_WAIT_MS);
	}
	if (server->pid > 0)
		(void)waitpid(server->pid, NULL, WNOHANG);
	server_close(server);
}

/* Wait for the child with no signal blocked. Returns its exit status; -EINTR: we caught a signal, or one killed it; or
 * another -errno. */
static int wait_for(pid_t pid)
{
	_cleanup_close_ int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	const struct timespec moment = { .tv_nsec = WAIT_POLL_NS };
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	sigset_t none;
	int status;

	(void)sigemptyset(&none);
	for (;;) {
		/* Without a free descriptor for the pidfd, poll. */
		if (ppoll(&poll_fd, 1, fd < 0 ? &moment : NULL, &none) < 0)
			return -errno;
		switch (waitpid(pid, &status, WNOHANG)) {
		case -1:
			return -errno;
		case 0:
			break;
		default:
			return WIFEXITED(status) ? WEXITSTATUS(status) : -EINTR;
		}
	}
}

int server_call(const char *const argv[])
{
	_cleanup_free_ char *path = program_find(argv[0]), *search = program_path();
	char *environment[] = { search, NULL };
	pid_t pid = path ? fork() : -1;

	if (!path)
		return -ENOENT;
	if (pid == 0) {
		sigset_t none;

		(void)sigemptyset(&none);
		(void)sigprocmask(SIG_SETMASK, &none, NULL);
		(void)signal(SIGXFSZ, SIG_DFL); /* main() ignores it */
		(void)execve(path, (char **)argv, environment);
		_exit(127);
	}
	return pid < 0 ? -errno : wait_for(pid);
}
