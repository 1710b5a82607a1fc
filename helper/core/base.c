/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * base - a container that others stand on: whether it runs, told by its
 * monitor's command socket (lxc_make_abstract_socket_name() in LXC's
 * commands.c), and LXC's records of who stands on it (depends.c), changed
 * under LXC's own lock (container_disk_lock() in lxclock.c).
 */
#include "base.h"
#include "cleanup.h"

#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define LOCK_DIR      "/run/lxc/lock"
#define FILE_OF_BASE  "lxc_snapshots"
#define FILE_OF_CLONE "lxc_rdepends"

/* FNV-1a: what LXC puts in the place of a path that is too long. */
static uint64_t hash(const char *text)
{
	uint64_t h = 0xcbf29ce484222325ULL;

	for (; *text; text++)
		h = (h ^ (unsigned char)*text) * 0x100000001b3ULL;
	return h;
}

bool base_is_running(const char *lxcpath, const char *name)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	_cleanup_free_ char *path = xasprintf("%s/%s", lxcpath, name), *text = xasprintf("%s/command", path);
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (strlen(text) >= sizeof(address.sun_path) - 1) {
		free(text);
		text = xasprintf("lxc/%016llx/command", (unsigned long long)hash(path));
	}
	/* An abstract name: its first byte is 0, and no byte ends it. */
	memcpy(address.sun_path + 1, text, strlen(text));
	if (fd >= 0 && connect(fd, (struct sockaddr *)&address,
			       (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(text))) == 0)
		return true;
	return fd >= 0 && errno == EAGAIN; /* it has no time for us, but is there */
}

/* The lock ends with the descriptor. fd or -errno. */
static int lock_files(const char *dir)
{
	const char *name = strrchr(dir, '/') + 1;
	_cleanup_free_ char *path = xasprintf(LOCK_DIR "%.*s.%s", (int)(name - dir), dir, name);
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	_cleanup_close_ int fd = -EBADF;

	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		(void)mkdir(path, 0755);
		*slash = '/';
	}
	fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY, 0600);
	return fd < 0 || fcntl(fd, F_OFD_SETLKW, &lock) < 0 ? -errno : TAKE_FD(fd);
}

/* An entry: the lxcpath and the name, a line each. For the caller to free. */
static char *entry_of(const char *dir)
{
	char *entry = xasprintf("%s\n", dir);

	*strrchr(entry, '/') = '\n';
	return entry;
}

static int append(const char *dir, const char *file, const char *container)
{
	_cleanup_free_ char *path = xasprintf("%s/%s", dir, file), *entry = entry_of(container);
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0644);
	size_t size = strlen(entry);
	ssize_t n = fd < 0 ? -1 : write(fd, entry, size);

	return n == (ssize_t)size ? 0 : n < 0 ? -errno : -ENOSPC;
}

int base_record(const char *dir, const char *base)
{
	_cleanup_close_ int lock = lock_files(base);

	if (lock < 0)
		return lock;
	/* In this order: without the second LXC can destroy both, without the first it could never destroy the base. */
	return append(dir, FILE_OF_CLONE, base) ?: append(base, FILE_OF_BASE, dir);
}

int base_forget(const char *dir, const char *base)
{
	_cleanup_close_ int lock = lock_files(base), fd = -EBADF;
	_cleanup_free_ char *path = xasprintf("%s/" FILE_OF_BASE, base), *entry = entry_of(dir), *text = NULL;
	size_t size, n = strlen(entry);
	struct stat st;
	char *found;

	fd = lock < 0 ? lock : open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 || fstat(fd, &st) < 0)
		return lock < 0 ? lock : errno == ENOENT ? 0 : -errno;
	text = xcalloc((size_t)st.st_size + 1, 1);
	if (pread(fd, text, (size_t)st.st_size, 0) != st.st_size)
		return -EIO;
	size = strlen(text);
	found = strstr(text, entry);
	if (!found || (found > text && found[-1] != '\n'))
		return 0;
	memmove(found, found + n, size - (size_t)(found - text) - n + 1);
	size -= n;
	if (!size)
		return unlink(path) < 0 ? -errno : 0;
	return pwrite(fd, text, size, 0) == (ssize_t)size && ftruncate(fd, (off_t)size) == 0 ? 0 : -EIO;
}
