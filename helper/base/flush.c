/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * flush - files are written to the disk while the next ones are being made.
 *
 * The caller will sync the file system when all is there. To find places on the
 * disk for all that data then would take a third of the time again, and can be
 * done on another processor now. It is only about time: who is late waits there.
 */
#include "flush.h"
#include "cleanup.h"

#include <fcntl.h>
#include <signal.h>

static void *work(void *arg)
{
	struct flush *flush = arg;

	(void)pthread_mutex_lock(&flush->mutex);
	for (;;) {
		int fd, r;

		while (!flush->n && !flush->ended)
			(void)pthread_cond_wait(&flush->more, &flush->mutex);
		if (!flush->n)
			break;
		fd = flush->fds[flush->first];
		flush->first = (flush->first + 1) % FLUSH_FILES;
		flush->n--;
		(void)pthread_mutex_unlock(&flush->mutex);
		(void)sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE);
		r = close(fd) < 0 ? -errno : 0;
		(void)pthread_mutex_lock(&flush->mutex);
		flush->error = flush->error ?: r;
	}
	(void)pthread_mutex_unlock(&flush->mutex);
	return NULL;
}

void flush_start(struct flush *flush)
{
	sigset_t all, old;

	*flush = (struct flush){ .mutex = PTHREAD_MUTEX_INITIALIZER, .more = PTHREAD_COND_INITIALIZER };
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);
	flush->started = pthread_create(&flush->thread, NULL, work, flush) == 0;
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
}

void flush_file(struct flush *flush, int fd)
{
	bool taken = false;

	if (flush->started) {
		(void)pthread_mutex_lock(&flush->mutex);
		taken = flush->n < FLUSH_FILES;
		if (taken)
			flush->fds[(flush->first + flush->n++) % FLUSH_FILES] = fd;
		(void)pthread_cond_signal(&flush->more);
		(void)pthread_mutex_unlock(&flush->mutex);
	}
	if (!taken && close(fd) < 0) {
		int r = -errno;

		(void)pthread_mutex_lock(&flush->mutex);
		flush->error = flush->error ?: r;
		(void)pthread_mutex_unlock(&flush->mutex);
	}
}

int flush_end(struct flush *flush)
{
	if (!flush->started)
		return flush->error;
	(void)pthread_mutex_lock(&flush->mutex);
	flush->ended = true;
	(void)pthread_cond_signal(&flush->more);
	(void)pthread_mutex_unlock(&flush->mutex);
	(void)pthread_join(flush->thread, NULL);
	flush->started = false;
	return flush->error;
}
