/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * lxc - the one file that knows liblxc.
 *
 * Each question is asked by a child process. A monitor answers nothing while it runs a hook, and liblxc before 6.0
 * waits for it without end; a child can be given up. And liblxc writes what it thinks to stderr, and may keep
 * descriptors and locks: all of that ends with the child.
 *
 * The state is asked, and not is_running(), which turns every error into a yes or a no.
 *
 * liblxc is loaded by the child: with the libraries that it needs, it would add a third to the start of the program,
 * and few verbs ask anything.
 */
#include "lxc.h"
#include "../base/cleanup.h"
#include "../base/log.h"
#include "../base/process.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <lxc/lxccontainer.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

/* A start is in a hook for as long as it builds its stack; QEMU's server alone is given some seconds. */
#define ANSWER_WAIT_MS	10000
#define WAIT_POLL_MS	20
#define SHUTDOWN_WAIT_S 60    /* as lxc-stop */
#define STOP_WAIT_MS	10000 /* for what a monitor does at once */
#define STATES_MAX	32

/* Has no configs of containers in it. */
#define NO_LXCPATH LXC_RUN

/* The child's exit status. Any other is that of a child that crashed. */
enum answer { ANSWER_NO, ANSWER_YES, ANSWER_UNKNOWN, ANSWER_NO_LIBLXC };

/* The interface of every release since 1.0. */
#define LIBLXC "liblxc.so.1"

static struct lxc_container *(*container_new)(const char *name, const char *lxcpath);
static int (*get_wait_states)(const char **states);

_Static_assert(__builtin_types_compatible_p(__typeof__(container_new), __typeof__(&lxc_container_new)) &&
		       __builtin_types_compatible_p(__typeof__(get_wait_states), __typeof__(&lxc_get_wait_states)),
	       "as <lxc/lxccontainer.h> declares them");

static bool load_liblxc(void)
{
	void *liblxc = dlopen(LIBLXC, RTLD_NOW);

	if (!liblxc)
		return false;
	container_new = (__typeof__(container_new))dlsym(liblxc, "lxc_container_new");
	get_wait_states = (__typeof__(get_wait_states))dlsym(liblxc, "lxc_get_wait_states");
	return container_new && get_wait_states;
}

/*
 * A config that this LXC cannot load, as one of LXC 2, is no reason not to tell the state: only name and lxcpath are
 * needed for that.
 */
static struct lxc_container *without_config(const char *lxcpath, const char *name)
{
	struct lxc_container *container = container_new(name, NO_LXCPATH);

	return container && container->set_config_path(container, lxcpath) ? container : NULL;
}

static enum answer ask_running(const char *lxcpath, const char *name)
{
	struct lxc_container *container = container_new(name, lxcpath) ?: without_config(lxcpath, name);
	const char *state = container ? container->state(container) : NULL, *states[STATES_MAX] = { NULL };
	int n = state ? get_wait_states(NULL) : 0;

	if (n <= 0 || n > STATES_MAX)
		return ANSWER_UNKNOWN;
	n = get_wait_states(states);
	/* When the monitor could not be asked, liblxc makes up the name of another state. */
	for (int i = 0; i < n && i < STATES_MAX; i++)
		if (states[i] && strcmp(state, states[i]) == 0)
			return strcmp(state, "STOPPED") == 0 ? ANSWER_NO : ANSWER_YES;
	return ANSWER_UNKNOWN;
}

static enum answer ask_kill(const char *lxcpath, const char *name)
{
	struct lxc_container *container = container_new(name, lxcpath);

	return container && container->stop(container) ? ANSWER_YES : ANSWER_NO;
}

static enum answer ask_shutdown(const char *lxcpath, const char *name)
{
	struct lxc_container *container = container_new(name, lxcpath);

	return container && (container->shutdown(container, SHUTDOWN_WAIT_S) || container->stop(container)) ? ANSWER_YES
													    : ANSWER_NO;
}

/* The child: silent, with the signals of a program of its own, and gone when its parent is. */
__attribute__((noreturn)) static void run_child(pid_t parent, const char *lxcpath, const char *name,
						enum answer (*ask)(const char *, const char *))
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	sigset_t none;

	if (null < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
		_exit(ANSWER_UNKNOWN);
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		(void)dup2(null, fd);
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		(void)signal(signals[i], SIG_DFL);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	_exit(load_liblxc() ? ask(lxcpath, name) : ANSWER_NO_LIBLXC);
}

/*
 * Wait for the child, at most ms milliseconds. Its exit status; -ETIMEDOUT; -EINTR: a signal ended
 * it, or one that was blocked came here; or -errno.
 */
static int wait_for(pid_t child, int ms)
{
	_cleanup_close_ int fd = (int)syscall(SYS_pidfd_open, child, 0);
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	long long until = process_clock() + ms;
	sigset_t none;
	int status;

	(void)sigemptyset(&none);
	for (;;) {
		long long left = until - process_clock();
		/* Out of descriptors, it is looked at again and again. */
		struct timespec wait = { .tv_sec = fd < 0 ? 0 : left / 1000,
					 .tv_nsec = (fd < 0 ? WAIT_POLL_MS : left % 1000) * 1000000L };
		pid_t ended;

		if (left <= 0)
			return -ETIMEDOUT;
		if (ppoll(&poll_fd, 1, &wait, &none) < 0)
			return -errno;
		ended = waitpid(child, &status, WNOHANG);
		if (ended < 0)
			return -errno;
		if (ended > 0)
			return WIFEXITED(status) ? WEXITSTATUS(status) : -EINTR;
	}
}

/* Let a child ask. Its answer, or -errno, as wait_for(); then the child is gone. */
static int ask_lxc(const char *lxcpath, const char *name, enum answer (*ask)(const char *, const char *), int ms)
{
	pid_t parent = getpid(), child = fork();
	int r;

	if (child < 0)
		return -errno;
	if (child == 0)
		run_child(parent, lxcpath, name, ask);
	r = wait_for(child, ms);
	if (r < 0) {
		(void)kill(child, SIGKILL);
		while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
			;
	}
	return r;
}

int lxc_is_running(const char *lxcpath, const char *name)
{
	int r = ask_lxc(lxcpath, name, ask_running, ANSWER_WAIT_MS);

	if (r == ANSWER_YES || r == ANSWER_NO)
		return r == ANSWER_YES;
	if (r == -ETIMEDOUT)
		return log_refuse(r, "cannot find out whether '%s' is running: its monitor does not answer within %d s",
				  name, ANSWER_WAIT_MS / 1000);
	if (r == ANSWER_NO_LIBLXC)
		return log_refuse(-EIO, "cannot find out whether '%s' is running: cannot load %s", name, LIBLXC);
	if (r >= 0)
		return log_refuse(-EIO, "cannot find out whether '%s' is running: LXC gives no answer", name);
	return log_errno(r, "cannot find out whether '%s' is running: ask LXC", name);
}

int lxc_container_is_running(const struct container *container)
{
	_cleanup_free_ char *lxcpath = container_called(container);
	char *slash = strrchr(lxcpath, '/');

	if (!slash)
		return log_refuse(-EINVAL, "cannot find out whether '%s' is running: '%s' is no path of a container",
				  container->name, lxcpath);
	*slash = '\0';
	return lxc_is_running(lxcpath, container->name);
}

int lxc_stop(const char *lxcpath, const char *name, bool kill)
{
	int r = ask_lxc(lxcpath, name, kill ? ask_kill : ask_shutdown,
			STOP_WAIT_MS + (kill ? 0 : SHUTDOWN_WAIT_S * 1000));

	return r < 0 ? r : r == ANSWER_YES ? 0 : -EIO;
}
