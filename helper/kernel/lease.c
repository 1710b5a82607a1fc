/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * lease - whether somebody has a file open for writing.
 *
 * The kernel grants a read lease (fcntl(2)) for a file that nobody has open
 * for writing. A process that opens it for writing while the lease is held
 * waits until the lease is released, and the kernel sends SIGIO to the lease's
 * holder. SIGIO's default action is death, so it is blocked while the lease is held: else
 * the owner of an image could kill the helper.
 */
#include "lease.h"
#include "../base/cleanup.h"

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
