/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

/* A process, told from a later one with the same pid by its start time. */
struct process {
	pid_t pid;
	unsigned long long start; /* clock ticks since boot, proc(5) stat field 22 */
};

/* Identify a running process. Returns 0; -ESRCH: there is none; or -errno: that could not be read. */
int process_identify(pid_t pid, struct process *ret);

/* Find the parent of a process. Returns its pid; 0: it has none, or the process has ended; or -errno. */
pid_t process_parent(pid_t pid);

/*
 * Test whether the same process still runs; a zombie does not. Returns 1, 0, or -errno when that could not be read. As
 * a condition, unknown is true: resources that a process may still use are left alone.
 */
int process_alive(const struct process *process);

/* Wait until the process has ended, at most ms milliseconds. Returns 0, -ETIMEDOUT, or -errno: it cannot be watched. */
int process_wait(const struct process *process, int ms);

/* Send a signal to this process and to no later one with its pid. Returns 0, also when it has ended, or -errno. */
int process_kill(const struct process *process, int signal);

/*
 * Read this boot's id (random(4)). Returns a text that lives as long as the process. Without the id, every record would
 * be taken for a stale one of another boot; so if it cannot be read, the process ends after an error line, as when
 * memory runs out.
 */
const char *process_boot_id(void);

/* Read CLOCK_MONOTONIC. Returns milliseconds. */
long long process_clock(void);
/* Sleep for so many milliseconds. */
void process_sleep(int ms);
