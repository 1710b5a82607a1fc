/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * lease - whether somebody has a file open for writing.
 *
 * The kernel grants a read lease (fcntl(2)) for a file that nobody has open
 * for writing. Who opens it so while the lease is held has to wait until it
 * is given back, and the holder gets SIGIO, which would end it: whoever may
 * write to an image could end the helper so.
 */
#include "lease.h"
#include "cleanup.h"

#include <fcntl.h>
#include <signal.h>
#include <time.h>

int lease_is_written(int fd)
{
	static const struct timespec at_once;
	sigset_t io, before;
	int r = 0;

	(void)sigemptyset(&io);
	(void)sigaddset(&io, SIGIO);
	(void)sigprocmask(SIG_BLOCK, &io, &before);
	if (fcntl(fd, F_SETLEASE, F_RDLCK) < 0)
		r = errno == EAGAIN ? 1 : -errno;
	else if (fcntl(fd, F_SETLEASE, F_UNLCK) < 0)
		return -errno; /* It is still held, so the signal stays blocked. */
	(void)sigtimedwait(&io, NULL, &at_once);
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	return r;
}
