/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * purge - removes what is rubbish in a store's stage, while nobody waits.
 *
 * The process that does it has no part in its parent's life: no descriptor, no
 * session. Killed, or with the machine switched off, the next one goes on.
 */
#include "../base/cleanup.h"
#include "store.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/syscall.h>

static void purge(int stage)
{
	int fd = dup3(stage, 3, O_CLOEXEC);

	(void)setsid();
	(void)!chdir("/");
	for (int i = 0; i < 3; i++) {
		(void)close(i);
		(void)open("/dev/null", O_RDWR);
	}
	if (fd < 0)
		fd = stage;
	if (syscall(SYS_close_range, fd + 1, ~0U, 0) < 0)
		for (int i = fd + 1; i < 1024; i++)
			(void)close(i);
	(void)store_rubbish(fd, true);
	_exit(0);
}

int store_purge_claim(const struct store *store)
{
	_cleanup_close_ int stage = openat(store->fd, STORE_STAGE, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (stage < 0 || store_rubbish(stage, false) <= 0)
		return -EBADF;
	/* The child has this lock as long as it lives: see store_is_purged(). */
	(void)flock(stage, LOCK_SH | LOCK_NB);
	return TAKE_FD(stage);
}

void store_purge(int stage)
{
	if (stage < 0)
		return;
	if (fork() == 0)
		purge(stage);
	(void)close(stage);
}

int store_is_purged(int stage)
{
	if (flock(stage, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? 1 : -errno;
	return flock(stage, LOCK_UN) < 0 ? -errno : 0;
}
