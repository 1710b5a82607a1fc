/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#define FLUSH_FILES 64

/* Files on their way to the disk. */
struct flush {
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t more;
	int fds[FLUSH_FILES];
	size_t first, n;
	bool started, ended;
	int error; /* 0, or the -errno of the first close(2) that failed */
};

/* Start the thread that writes files back. */
void flush_start(struct flush *flush);
/* Have a complete file written to the disk soon, and closed. Takes the descriptor, and never waits. */
void flush_file(struct flush *flush, int fd);
/* Wait until the last file was handed to the disk, not until it is durable. Returns 0, or -errno: one of them could not
 * be written, which some file systems report at close(2) only. */
int flush_end(struct flush *flush);
