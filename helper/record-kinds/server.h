/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../base/process.h"
#include "../record/journal.h"

/* Record a process that serves an image, or a watcher, before it does anything. Returns 0 or -errno (logged). */
int server_record(struct journal *journal, const struct process *process, const char *name);

/* Test whether the recorded server of this pid lives. Returns 1, 0 or -errno (not logged). */
int server_lives(const struct journal *journal, pid_t pid);
