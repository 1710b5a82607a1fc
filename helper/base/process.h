/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

/* A process, told from a later one with the same pid by its start time. */
struct process {
	pid_t pid;
	unsigned long long start; /* clock ticks since boot, proc(5) stat field 22 */
};

/* Identify a running process. 0; -ESRCH: there is none; or -errno: that could not be read. */
int proc_identify(pid_t pid, struct process *ret);

/* The parent of a process; 0: it has none, or is gone; or -errno. */
pid_t proc_parent(pid_t pid);

/*
 * Does the same process still run? A zombie does not. 1, 0, or -errno when that could not be read. As a condition,
 * unknown is true: what a process may still use is left alone.
 */
int proc_alive(const struct process *process);

/* Read the first size - 1 bytes of a file of /proc as a string. The number of bytes, or -errno. */
ssize_t proc_read(const char *path, char *buf, size_t size);

/* Wait until it has ended, at most ms milliseconds. 0, -ETIMEDOUT, or -errno when it could not be watched. */
int proc_wait(const struct process *process, int ms);

/* Send a signal to this process and to no later one with its pid. 0, also when it has ended, or -errno. */
int proc_kill(const struct process *process, int signal);

/*
 * This boot's id (random(4)), valid as long as the process. Without it, no record could be told from one of another
 * boot, and would be taken for stale; so if it cannot be read, the process ends after an error line, as when memory
 * runs out.
 */
const char *proc_boot_id(void);

/* Milliseconds of CLOCK_MONOTONIC, and a sleep in the same unit. */
long long proc_now(void);
void proc_sleep(int ms);
