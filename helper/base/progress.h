/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "copy.h"

/* The progress of a long copy, shown on the terminal, if there is one. */
struct progress {
	const char *what; /* "copied" */
	long long since, shown;
	int terminal; /* -EBADF until there is something to show */
};

/* Show no progress from now on. */
void progress_hide(void);
/* Begin to show the progress of the copy, and become its copy->arg. */
void progress_begin(struct progress *progress, const char *what, struct copy *copy);
/* The tick of struct copy: show the progress. Returns 0, or -EINTR after a signal that progress_catch() catches. */
int progress_tick(struct copy *copy);
/* Let ^C, SIGTERM and SIGHUP end the copy instead of the process, which then removes what it has made. Ignored signals
 * stay ignored. */
void progress_catch(void);
/* Stop, and clear the line on the terminal. */
void progress_end(struct progress *progress);
