/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * dependencies - lxc_rdepends and lxc_snapshots, two files of LXC's in a
 * container's directory: its bases and its linked clones. Each has a line with
 * the lxcpath and a line with the name of every such container (add_rdepends()
 * and mod_rdep() in LXC's lxccontainer.c). They are changed under LXC's own
 * lock (container_disk_lock() in its lxclock.c): an OFD lock on
 * RUNTIME_PATH/lxc/lock/LXCPATH/.NAME, with the lxcpath as LXC was told it. Shell
 * cannot take that, so the template calls `lxc-bdev depend`.
 */
#include "dependencies.h"
#include "lxcpath.h"
#include "../base/cleanup.h"
#include "config-file.h"
#include "../base/log.h"

#include <fcntl.h>
#include <sys/stat.h>

#define LOCK_DIR LXC_RUN "/lock" /* RUNTIME_PATH/lxc/lock, as the installed LXC has it */
#define BASES	 "lxc_rdepends"
#define CLONES	 "lxc_snapshots"

/*
 * Call take() with each entry's directory, which take() frees, until it returns something else than 0. Returns that, 0,
 * or -errno (logged) when the file could not be read.
 */
static int each(const char *dir, const char *name, int (*take)(char *entry, void *arg), void *arg)
{
	_cleanup_free_ char *path = xasprintf("%s/%s", dir, name), *lxcpath = NULL, *line = NULL;
	FILE *f = fopen(path, "re");
	size_t size = 0;
	int r = 0;

	if (!f)
		return errno == ENOENT ? 0 : log_errno(-errno, "open '%s'", path);
	while (r == 0 && (errno = 0, getline(&line, &size, f) > 0)) {
		line[strcspn(line, "\n")] = '\0';
		if (!lxcpath) {
			lxcpath = xstrdup(line);
			continue;
		}
		r = take(xasprintf("%s/%s", lxcpath, line), arg);
		free(TAKE_PTR(lxcpath));
	}
	if (r == 0 && ferror(f))
		r = log_errno(-(errno ?: EIO), "read '%s'", path);
	(void)fclose(f);
	return r;
}

static int take_last(char *entry, void *arg)
{
	char **last = arg;

	free(*last);
	*last = entry;
	return 0;
}

struct search {
	int (*counts)(const char *clone);
	char *found;
};

static void add_found(struct search *search, const char *entry)
{
	char *all = search->found ? xasprintf("%s, '%s'", search->found, entry) : xasprintf("'%s'", entry);

	free(search->found);
	search->found = all;
}

/* Add a clone that exists: records of containers that were removed by hand do not count. */
static int take_existing(char *entry, void *arg)
{
	struct search *search = arg;
	int r = access(entry, F_OK) == 0;

	if (r == 0 && errno != ENOENT && errno != ENOTDIR)
		r = log_errno(-errno, "look for the linked clone '%s'", entry);
	if (r > 0 && search->counts)
		r = search->counts(entry);
	if (r > 0)
		add_found(search, entry);
	free(entry);
	return r < 0 ? r : 0;
}

int dependencies_base(const char *dir, char **ret)
{
	int r;

	*ret = NULL;
	r = each(dir, BASES, take_last, ret);
	if (r < 0)
		free(TAKE_PTR(*ret));
	return r < 0 ? r : *ret != NULL;
}

int dependencies_clones(const char *dir, int (*counts)(const char *clone), char **ret)
{
	struct search search = { .counts = counts };
	int r = each(dir, CLONES, take_existing, &search);

	if (r < 0)
		free(TAKE_PTR(search.found));
	*ret = search.found;
	return r < 0 ? r : search.found != NULL;
}

/* Take LXC's lock of the container that it calls lxcpath/name. Returns its descriptor, which keeps it, or -errno. */
static int lock_one(const char *lxcpath, const char *name)
{
	_cleanup_free_ char *path = xasprintf(LOCK_DIR "%s/.%s", lxcpath, name);
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	_cleanup_close_ int fd = -EBADF;
	int r;

	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		(void)mkdir(path, 0755);
		*slash = '/';
	}
	fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY, 0600);
	do
		r = fd < 0 ? -1 : fcntl(fd, F_OFD_SETLKW, &lock);
	while (r < 0 && fd >= 0 && errno == EINTR);
	return r < 0 ? -errno : TAKE_FD(fd);
}

struct locks {
	int canonical, called;
};

static void unlock_files(struct locks *locks)
{
	cleanup_close(&locks->canonical);
	cleanup_close(&locks->called);
}
#define _cleanup_locks_ __attribute__((cleanup(unlock_files)))

/*
 * Take all of LXC's locks of a container. LXC names them by the lxcpath as it was given: one by the container's
 * canonical path, by which it is recorded here, and one by LXC's own lxcpath, if that leads there by a symlink. Returns
 * 0 or -errno.
 */
static int lock_files(const char *dir, struct locks *ret)
{
	_cleanup_free_ char *lxcpath = lxcpath_default(), *real = realpath(lxcpath, NULL), *parent = xstrdup(dir);
	const char *name = strrchr(dir, '/') + 1;
	int r;

	parent[name - dir - 1] = '\0';
	*ret = (struct locks){ .canonical = -EBADF, .called = -EBADF };
	r = ret->canonical = lock_one(parent, name);
	if (r >= 0 && real && strcmp(real, parent) == 0 && strcmp(lxcpath, parent) != 0)
		r = ret->called = lock_one(lxcpath, name);
	return r < 0 ? r : 0;
}

/* Make an entry: the lxcpath and the name, a line each. Returns it, for the caller to free. */
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
	struct stat st;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	n = write(fd, entry, size);
	if (n == (ssize_t)size)
		return 0;
	/* Half an entry would make LXC misread all behind it. */
	(void)!ftruncate(fd, st.st_size);
	return n < 0 ? -errno : -ENOSPC;
}

int dependencies_record(const char *dir, const char *base)
{
	_cleanup_locks_ struct locks locks;
	int r = lock_files(base, &locks);

	if (r < 0)
		return r;
	/* In this order: without the second LXC can destroy both, without the first it could never destroy the base. */
	return append(dir, BASES, base) ?: append(base, CLONES, dir);
}

int dependencies_forget(const char *dir, const char *base)
{
	_cleanup_close_ int fd = -EBADF;
	_cleanup_locks_ struct locks locks;
	int r = lock_files(base, &locks);
	_cleanup_free_ char *path = xasprintf("%s/" CLONES, base), *entry = entry_of(dir), *text = NULL;
	size_t size, n = strlen(entry);
	struct stat st;
	char *found;

	if (r < 0)
		return r;
	fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 || fstat(fd, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
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
