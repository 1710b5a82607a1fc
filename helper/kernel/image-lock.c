/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * image-lock - lock an image file, and find writers that take no lock by a lease.
 *
 * The locks are flock(2) and the byte locks of QEMU. Both belong to the open
 * file description. A loop device keeps that description open, so the locks live
 * exactly as long as the device: no process needs to stay, and SIGKILL cannot
 * leave a stale one.
 *
 * The kernel grants a read lease (fcntl(2)) for a file that nobody has open
 * for writing. A process that opens it for writing while the lease is held
 * waits until the lease is released, and the kernel sends SIGIO to the lease's
 * holder. SIGIO's default action is death, so it is blocked while the lease is
 * held: else the owner of an image could kill the helper.
 */
#include "image.h"
#include "../base/cleanup.h"
#include "../base/process.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/vfs.h>
#include <time.h>

#ifndef CIFS_SUPER_MAGIC
#define CIFS_SUPER_MAGIC 0xff534d42
#endif
#ifndef SMB2_SUPER_MAGIC
#define SMB2_SUPER_MAGIC 0xfe534d42
#endif

/*
 * QEMU's image locks (block/file-posix.c): a process that uses a permission holds a read lock on byte 100 + permission,
 * one that does not share it a read lock on 200 + permission; then each tests the opposite byte for other holders.
 */
enum { QEMU_READ = 0, QEMU_WRITE = 1, QEMU_RESIZE = 3 };

/* Test whether another process holds the byte. Returns 1, 0 or -errno. */
static int qemu_byte_taken(int fd, off_t byte)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1 };

	return fcntl(fd, F_OFD_GETLK, &lock) < 0 ? -errno : lock.l_type != F_UNLCK;
}

bool image_qemu_writes(int fd)
{
	return qemu_byte_taken(fd, 100 + QEMU_WRITE);
}

bool image_qemu_reads(int fd)
{
	return qemu_byte_taken(fd, 100 + QEMU_READ);
}

static int qemu_lock(int fd, bool readonly, bool *ret_shared)
{
	static const off_t reader[] = { 100 + QEMU_READ, 200 + QEMU_WRITE, 200 + QEMU_RESIZE };
	static const off_t writer[] = { 100 + QEMU_READ, 100 + QEMU_WRITE, 100 + QEMU_RESIZE, 200 + QEMU_WRITE,
					200 + QEMU_RESIZE };
	const off_t *bytes = readonly ? reader : writer;
	size_t n = readonly ? ARRAY_SIZE(reader) : ARRAY_SIZE(writer);
	int r = qemu_byte_taken(fd, 100 + QEMU_READ);

	if (r < 0)
		return r;
	*ret_shared = r;
	for (size_t i = 0; i < n; i++) {
		struct flock lock = { .l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = bytes[i], .l_len = 1 };

		if (fcntl(fd, F_OFD_SETLK, &lock) < 0)
			return errno == EAGAIN || errno == EACCES ? -EBUSY : -errno;
	}
	for (size_t i = 0; i < n; i++) {
		r = qemu_byte_taken(fd, bytes[i] < 200 ? bytes[i] + 100 : bytes[i] - 100);
		if (r)
			return r < 0 ? r : -EBUSY;
	}
	return 0;
}

static int try_lock(int fd, bool readonly, bool served, bool *ret_shared)
{
	struct flock unlock = { .l_type = F_UNLCK, .l_whence = SEEK_SET };
	int r;

	if (flock(fd, (readonly ? LOCK_SH : LOCK_EX) | LOCK_NB) < 0)
		return -errno;
	if (served) {
		/* The image has a writer, or a user that shares it with none. */
		r = qemu_byte_taken(fd, 100 + QEMU_WRITE);
		if (r == 0 && !readonly)
			r = qemu_byte_taken(fd, 200 + QEMU_WRITE);
		r = r > 0 ? -EBUSY : r;
	} else {
		r = qemu_lock(fd, readonly, ret_shared);
	}
	if (r < 0) {
		(void)fcntl(fd, F_OFD_SETLK, &unlock);
		(void)flock(fd, LOCK_UN);
	}
	return r;
}

int image_lock(int fd, bool readonly, bool served, int ms, bool *ret_shared)
{
	long long until = process_clock() + ms;

	for (;;) {
		int r = try_lock(fd, readonly, served, ret_shared);

		if ((r != -EWOULDBLOCK && r != -EBUSY) || process_clock() >= until)
			return r;
		process_sleep(5);
	}
}

void image_share(int fd, bool share)
{
	static const off_t bytes[] = { 200 + QEMU_WRITE, 200 + QEMU_RESIZE };

	for (size_t i = 0; i < ARRAY_SIZE(bytes); i++) {
		struct flock lock = { .l_whence = SEEK_SET, .l_start = bytes[i], .l_len = 1 };

		lock.l_type = share ? F_UNLCK : F_RDLCK;
		(void)fcntl(fd, F_OFD_SETLK, &lock);
	}
}

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

/* Network file systems refuse leases even if nobody has the file open for writing. */
int image_is_written(int fd)
{
	static const long network[] = { NFS_SUPER_MAGIC, SMB_SUPER_MAGIC, CIFS_SUPER_MAGIC, SMB2_SUPER_MAGIC,
					CEPH_SUPER_MAGIC };
	struct statfs st;
	int r;

	if (fstatfs(fd, &st) < 0)
		return -errno;
	for (size_t i = 0; i < ARRAY_SIZE(network); i++)
		if ((unsigned int)st.f_type == (unsigned int)network[i])
			return -EOPNOTSUPP;
	r = lease_is_written(fd);
	return r == -EINVAL || r == -EACCES ? -EOPNOTSUPP : r;
}
