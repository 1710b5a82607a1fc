/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * rundir - a directory under RUN_DIR for each container and each mount target.
 *
 * RUN_DIR/ID/ holds the journal; flock(2) on it is the container's lock. The directory exists only as long as the
 * journal does: a process that waits for the lock may find it removed, and creates it again.
 */
#include "rundir.h"
#include "../base/bytes.h"
#include "../base/cleanup.h"
#include "../base/log.h"
#include "../base/process.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#define LOCK_WAIT_MS 10000
#define LOCK_SAY_MS  1000

/* Hash both names with a NUL byte between them, so that containers of one name in different lxcpaths differ. */
static uint64_t hash(const char *place, const char *name)
{
	return fnv1a(fnv1a(FNV1A_START, place, strlen(place) + 1), name, strlen(name));
}

/* Make a file name that a person recognises and that no two owners share. Returns it, for the caller to free. */
static char *make_id(const char *place, const char *name)
{
	const char *base = strrchr(name, '/');
	char *id =
		xasprintf("%.100s.%016llx", base && base[1] ? base + 1 : name, (unsigned long long)hash(place, name));

	for (char *c = id; *c; c++)
		if (*c == '/' || *c < ' ' || *c > '~' || (c == id && *c == '.'))
			*c = '_';
	return id;
}

/*
 * Open RUN_DIR, which must be ours alone, so that no other user can place names in it. Returns an fd or -errno (logged,
 * save -ENOENT).
 */
static int open_run_dir(bool create)
{
	_cleanup_close_ int fd = -EBADF;
	struct stat st;

	if (create && mkdir(RUN_DIR, 0700) < 0 && errno != EEXIST)
		return log_errno(-errno, "make '%s'%s", RUN_DIR, geteuid() ? " (this needs root)" : "");
	fd = open(RUN_DIR, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT
			       ? -ENOENT
			       : log_errno(-errno, "open '%s'%s", RUN_DIR, geteuid() ? " (this needs root)" : "");
	if (fstat(fd, &st) < 0)
		return log_errno(-errno, "look at '%s'", RUN_DIR);
	if (st.st_uid != geteuid() || (st.st_mode & 077))
		return log_refuse(-EPERM, "'%s' must belong to uid %d alone, mode 0700", RUN_DIR, (int)geteuid());
	return TAKE_FD(fd);
}

static int lock_dir(int fd, const char *name, int operation)
{
	long long start = process_clock();
	bool said = false;

	while (flock(fd, operation | LOCK_NB) < 0) {
		long long waited = process_clock() - start;

		if (errno != EWOULDBLOCK)
			return log_errno(-errno, "lock '%s'", name);
		if (waited >= LOCK_WAIT_MS)
			return log_refuse(-EBUSY, "'%s': another lxc-bdev has held its lock for %d s; see fuser %s/*",
					  name, LOCK_WAIT_MS / 1000, RUN_DIR);
		if (!said && waited >= LOCK_SAY_MS) {
			log_warn("'%s': waiting for another lxc-bdev that works on it", name);
			said = true;
		}
		process_sleep(waited < 100 ? 2 : 20);
	}
	return 0;
}

/* Open and lock RUN_DIR/ID, and check that it still exists: the previous holder of the lock may have removed it. */
static int open_locked(int run, const char *id, const char *name, bool create, int operation)
{
	for (;;) {
		_cleanup_close_ int fd = -EBADF;
		struct stat st;
		int r;

		if (create && mkdirat(run, id, 0700) < 0 && errno != EEXIST)
			return log_errno(-errno, "make '%s/%s'", RUN_DIR, id);
		fd = openat(run, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0 && errno == ENOENT && create)
			continue;
		if (fd < 0)
			return errno == ENOENT ? -ENOENT : log_errno(-errno, "open '%s/%s'", RUN_DIR, id);
		r = lock_dir(fd, name, operation);
		if (r < 0)
			return r;
		if (fstat(fd, &st) < 0)
			return log_errno(-errno, "look at '%s/%s'", RUN_DIR, id);
		if (st.st_nlink > 0)
			return TAKE_FD(fd);
	}
}

int rundir_open(const char *place, const char *name, bool create, bool shared, char **ret_path)
{
	_cleanup_free_ char *id = make_id(place, name);
	_cleanup_close_ int run = open_run_dir(create);
	int fd;

	if (run < 0)
		return run;
	fd = open_locked(run, id, name, create, shared ? LOCK_SH : LOCK_EX);
	if (fd >= 0)
		*ret_path = xasprintf("%s/%s", RUN_DIR, id);
	return fd;
}

void rundir_list_free(char **ids, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(ids[i]);
	free(ids);
}

int rundir_ids(char ***ret, size_t *ret_n)
{
	_cleanup_close_ int fd = open(RUN_DIR, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct dirent *entry;
	int r;
	DIR *dir;

	*ret = NULL;
	*ret_n = 0;
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	dir = fdopendir(fd);
	if (!dir)
		return -errno;
	(void)TAKE_FD(fd); /* closedir() closes it */
	while ((errno = 0, entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			*ARRAY_ADD(*ret, *ret_n) = xstrdup(entry->d_name);
	r = -errno;
	(void)closedir(dir);
	if (r == 0)
		return 0;
	/* An incomplete list would hide users of an object. */
	rundir_list_free(*ret, *ret_n);
	*ret = NULL;
	*ret_n = 0;
	return r;
}

int rundir_list(char ***ret, size_t *ret_n)
{
	_cleanup_close_ int fd = open_run_dir(false);
	int r;

	*ret = NULL;
	*ret_n = 0;
	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	r = rundir_ids(ret, ret_n);
	return r < 0 ? log_errno(r, "list '%s'", RUN_DIR) : 0;
}

int rundir_lock(int ms)
{
	_cleanup_close_ int fd = open(RUN_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	long long until = process_clock() + ms;

	if (fd < 0)
		return -errno;
	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK || process_clock() >= until)
			return -errno;
		process_sleep(2);
	}
	return TAKE_FD(fd);
}
