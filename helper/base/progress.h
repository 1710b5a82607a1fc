/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "copy.h"

/* Long work, shown on the terminal, if there is one. */
struct progress {
	const char *what; /* "copied" */
	long long since, shown;
	int terminal; /* -EBADF until there is something to show */
};

/* From now on. copy->arg is the progress then. */
void progress_begin(struct progress *progress, const char *what, struct copy *copy);
/* struct copy's tick. 0, or -EINTR after a signal that progress_catch() has asked for. */
int progress_tick(struct copy *copy);
/* ^C, SIGTERM and SIGHUP end the copy, and not the process, which is to remove what it has made. Those that are ignored
 * stay so. */
void progress_catch(void);
/* Nothing of it stays on the terminal. */
void progress_end(struct progress *progress);
