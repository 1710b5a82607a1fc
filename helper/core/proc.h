/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

/* A process, told from a later one with the same pid by its start time. */
struct process {
	pid_t pid;
	unsigned long long start; /* clock ticks since boot, proc(5) stat field 22 */
};

/* Identify a running process. 0, or -ESRCH. */
int proc_identify(pid_t pid, struct process *ret);

/* The same process runs still; a zombie does not. */
bool proc_alive(const struct process *process);

/* Is it in our mount namespace? 1, 0, or -errno when that cannot be seen. */
int proc_in_our_namespace(pid_t pid);

/* Wait until it has ended, at most ms milliseconds. 0, or -ETIMEDOUT. */
int proc_wait(const struct process *process, int ms);

/* This boot's id (random(4)), valid as long as the process. "" when /proc is not there. */
const char *proc_boot_id(void);

/* Milliseconds of CLOCK_MONOTONIC, and a sleep in the same unit. */
long long proc_now(void);
void proc_sleep(int ms);
