/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * proc - who a process is, and waiting for it to end.
 */
#include "proc.h"
#include "cleanup.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>
#include <time.h>

/* A short file of /proc as a string. Number of bytes, or -errno. */
static ssize_t read_small(const char *path, char *buf, size_t size)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read(fd, buf, size - 1);
	if (n < 0)
		return -errno;
	buf[n] = '\0';
	return n;
}

static int read_stat(pid_t pid, char *ret_state, unsigned long long *ret_start)
{
	char path[32], stat[1024], *p;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if (pid <= 0 || read_small(path, stat, sizeof(stat)) <= 0)
		return -ESRCH;
	/* The name in field 2 may hold blanks and parentheses: count from its last ')'. */
	p = strrchr(stat, ')');
	return p && sscanf(p + 1, " %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu",
			   ret_state, ret_start) == 2
		       ? 0
		       : -ESRCH;
}

int proc_identify(pid_t pid, struct process *ret)
{
	unsigned long long start;
	char state;

	if (read_stat(pid, &state, &start) < 0 || strchr("ZXx", state))
		return -ESRCH;
	*ret = (struct process){ .pid = pid, .start = start };
	return 0;
}

bool proc_alive(const struct process *process)
{
	struct process now;

	return proc_identify(process->pid, &now) == 0 && now.start == process->start;
}

int proc_in_our_namespace(pid_t pid)
{
	char path[40], theirs[64], ours[64];
	ssize_t a, b;

	(void)snprintf(path, sizeof(path), "/proc/%d/ns/mnt", (int)pid);
	a = readlink(path, theirs, sizeof(theirs));
	b = readlink("/proc/self/ns/mnt", ours, sizeof(ours));
	if (a < 0 || b < 0)
		return -errno;
	return a == b && memcmp(theirs, ours, (size_t)a) == 0;
}

int proc_wait(const struct process *process, int ms)
{
	_cleanup_close_ int fd = (int)syscall(SYS_pidfd_open, process->pid, 0);
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	unsigned long long start;
	char state;

	/* The pid may be another process by now: ask who it is after it has been pinned. */
	if (fd < 0 && errno != ESRCH) { /* out of descriptors */
		for (; ms > 0 && proc_alive(process); ms -= 10)
			proc_sleep(10);
		return proc_alive(process) ? -ETIMEDOUT : 0;
	}
	if (fd < 0 || read_stat(process->pid, &state, &start) < 0 || start != process->start)
		return 0;
	/* A zombie may have threads that still have its files open; the pidfd tells when the last one has gone. */
	return poll(&poll_fd, 1, ms) == 1 ? 0 : -ETIMEDOUT;
}

const char *proc_boot_id(void)
{
	static char id[40];

	if (!*id && read_small("/proc/sys/kernel/random/boot_id", id, sizeof(id)) > 0)
		id[strcspn(id, "\n")] = '\0';
	return id;
}

long long proc_now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (long long)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void proc_sleep(int ms)
{
	struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000 };

	(void)nanosleep(&t, NULL);
}
