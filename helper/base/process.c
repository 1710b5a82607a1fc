/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * process - identify processes, and wait for their end.
 */
#include "process.h"
#include "cleanup.h"
#include "log.h"
#include "text.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>

/* The fields of /proc/PID/stat that are used here. */
struct status {
	char state;
	int parent;
	unsigned long long start;
};

/* Read /proc/PID/stat. Returns 0; -ESRCH: there is no such process; or -errno: that could not be read. */
static int read_status(pid_t pid, struct status *ret)
{
	char path[32], stat[1024], *end;
	ssize_t n;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	n = pid <= 0 ? -ESRCH : text_begin(path, stat, sizeof(stat));
	/* A process that ends between open(2) and read(2) gives ESRCH or nothing. Without /proc, none is known. */
	if (n == -ENOENT && access("/proc/self/stat", F_OK) < 0)
		return -errno;
	if (n <= 0)
		return n == -ENOENT || n == 0 ? -ESRCH : (int)n;
	/* The name in field 2 may hold blanks and parentheses: count from its last ')'. */
	end = strrchr(stat, ')');
	return end && sscanf(end + 1, " %c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu",
			     &ret->state, &ret->parent, &ret->start) == 3
		       ? 0
		       : -ENODATA;
}

int process_identify(pid_t pid, struct process *ret)
{
	struct status status = { 0 };
	int r = read_status(pid, &status);

	if (r < 0)
		return r;
	if (strchr("ZXx", status.state))
		return -ESRCH;
	*ret = (struct process){ .pid = pid, .start = status.start };
	return 0;
}

int process_alive(const struct process *process)
{
	struct process now;
	int r = process_identify(process->pid, &now);

	if (r < 0)
		return r == -ESRCH ? 0 : r;
	return now.start == process->start;
}

/*
 * Open a pidfd of the process. The pid may be another process by now, so the start time is compared after the
 * descriptor has pinned the pid. Returns the descriptor; -ESRCH: the process has ended; or -errno.
 */
static int open_process(const struct process *process)
{
	_cleanup_close_ int fd = (int)syscall(SYS_pidfd_open, process->pid, 0);
	struct status status = { 0 };
	int r;

	if (fd < 0)
		return -errno;
	r = read_status(process->pid, &status);
	if (r < 0)
		return r;
	return status.start == process->start ? TAKE_FD(fd) : -ESRCH;
}

int process_wait(const struct process *process, int ms)
{
	_cleanup_close_ int fd = open_process(process);
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	int r;

	if (fd < 0)
		return fd == -ESRCH ? 0 : fd;
	/* A zombie may have threads that still have its files open; the pidfd tells when the last thread has ended. */
	do
		r = poll(&poll_fd, 1, ms);
	while (r < 0 && errno == EINTR);
	return r == 1 ? 0 : r == 0 ? -ETIMEDOUT : -errno;
}

int process_kill(const struct process *process, int signal)
{
	_cleanup_close_ int fd = open_process(process);

	if (fd < 0)
		return fd == -ESRCH ? 0 : fd;
	return syscall(SYS_pidfd_send_signal, fd, signal, NULL, 0) < 0 && errno != ESRCH ? -errno : 0;
}

const char *process_boot_id(void)
{
	static char id[40];
	ssize_t n;

	if (*id)
		return id;
	n = text_begin("/proc/sys/kernel/random/boot_id", id, sizeof(id));
	if (n <= 0) {
		(void)log_errno(
			n < 0 ? (int)n : -EIO,
			"read the boot id from '/proc/sys/kernel/random/boot_id' (mount /proc, then try again)");
		_exit(EXIT_FAILURE);
	}
	id[strcspn(id, "\n")] = '\0';
	return id;
}

long long process_clock(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (long long)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void process_sleep(int ms)
{
	struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000 };

	(void)nanosleep(&t, NULL);
}

pid_t process_parent(pid_t pid)
{
	struct status status = { 0 };
	int r = read_status(pid, &status);

	return r == -ESRCH ? 0 : r < 0 ? r : (pid_t)status.parent;
}
