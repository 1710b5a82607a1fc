/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/types.h>

/* Move a process to the cgroup of the servers, in each hierarchy. The pid of the process that does it, which the caller
 * waits for; or -1. */
pid_t cgroup_move(pid_t pid);

/* Remove the cgroup when no server is in it. */
void cgroup_tidy(void);
