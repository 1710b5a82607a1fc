/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * store - the store's own directory: opened, made, locked, written to.
 *
 * It is reached by root alone, so what is in it by fixed names and checked ids
 * is ours. What is inside of the layers is not: that was written by containers.
 */
#include "store.h"
#include "../base/cleanup.h"
#include "../config/config-file.h"
#include "../base/log.h"
#include "../base/path.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#define ID_MAX	 128
#define REMOVING "-removing"

static const char *const dirs[] = { "diff",	"mnt",	       STORE_STAGE, STORE_WORK,
				    STORE_INFO, STORE_HOLDERS, STORE_EMPTY, "layers" };

bool store_is_id(const char *id)
{
	size_t n = strlen(id);

	if (!isascii(*id) || !isalnum((unsigned char)*id) || n > ID_MAX)
		return false;
	for (const char *c = id; *c; c++)
		if (!isascii(*c) || (!isalnum((unsigned char)*c) && !strchr("._-", *c)))
			return false;
	return n < strlen(REMOVING) || strcmp(id + n - strlen(REMOVING), REMOVING) != 0;
}

int store_check_id(const char *id)
{
	if (store_is_id(id))
		return 0;
	if (strncmp(id, "sha256:", strlen("sha256:")) == 0)
		return log_refuse(-EINVAL, "'%s': not the id of a layer; take the digits without 'sha256:'", id);
	return log_refuse(-EINVAL,
			  "'%s': not the id of a layer, which is up to %d letters, digits, '.', '_', '-', "
			  "begins with one of the first two, and does not end in " REMOVING,
			  id, ID_MAX);
}

char *store_default(const char *lxcpath)
{
	_cleanup_free_ char *base = lxcpath ? xstrdup(lxcpath) : conf_lxcpath();

	return xasprintf("%s/.bdev-layers", base);
}

const char *store_driver(const struct store *store)
{
	return store->delta.form == DELTA_AUFS ? "aufs" : "overlay";
}

char *store_key(const struct store *store, const char *id)
{
	_cleanup_free_ char *inode = path_inode(store->fd);

	return xasprintf("%s %s", inode, id);
}

int store_lock(struct store *store)
{
	int fd = store->foreign ? openat(store->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
				: openat(store->fd, "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0)
		return log_errno(-errno, "open '%s/lock'", store->dir);
	while (flock(fd, LOCK_EX) < 0) {
		int r = -errno;

		if (r == -EINTR)
			continue;
		(void)close(fd);
		return log_errno(r, "lock '%s'", store->dir);
	}
	store->lock = fd;
	return 0;
}

void store_unlock(struct store *store)
{
	int stage = -EBADF;

	/*
	 * Claimed under the lock, so that nobody sees what was just removed without the purge that is at work on it.
	 * But the process that purges must not have the lock, as others would wait for it.
	 */
	if (store->lock >= 0 && store->fd >= 0 && !store->foreign)
		stage = store_purge_claim(store);
	cleanup_close(&store->lock);
	store->lock = -EBADF;
	store_purge(stage);
}

static int write_temp(int dir, const char *text)
{
	_cleanup_close_ int fd = openat(dir, STORE_TEMP, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	size_t n = strlen(text);
	ssize_t put;

	if (fd < 0)
		return -errno;
	for (size_t done = 0; done < n; done += (size_t)put) {
		put = write(fd, text + done, n - done);
		if (put < 0)
			return -errno;
	}
	return fsync(fd) < 0 || close(TAKE_FD(fd)) < 0 ? -errno : 0;
}

int store_write(const struct store *store, const char *dir, const char *name, const char *text)
{
	_cleanup_close_ int fd = openat(store->fd, dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int r = fd < 0 ? -errno : write_temp(fd, text);

	if (r == 0 && (renameat(fd, STORE_TEMP, fd, name) < 0 || fsync(fd) < 0))
		r = -errno;
	if (r < 0 && fd >= 0)
		(void)unlinkat(fd, STORE_TEMP, 0);
	return r < 0 ? log_errno(r, "write '%s/%s/%s'", store->dir, dir, name) : 0;
}

/* There is nothing in the directory but what an interrupted store_open() leaves. 1, 0 or -errno. */
static int is_fresh(int fd)
{
	int again = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = again < 0 ? NULL : fdopendir(again);
	struct dirent *entry;
	int fresh = dir ? 1 : -errno;

	while (dir && fresh == 1 && (errno = 0, entry = readdir(dir)))
		fresh = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
			strcmp(entry->d_name, "lock") == 0 || strcmp(entry->d_name, STORE_TEMP) == 0;
	if (fresh == 1 && errno)
		fresh = -errno;
	if (dir)
		(void)closedir(dir);
	else
		cleanup_close(&again);
	return fresh;
}

/* 1, 0 or -errno (logged). */
static int is_dir(const struct store *store, const char *name)
{
	int r = path_has(store->fd, name, S_IFDIR);

	return r < 0 ? log_errno(r, "look at '%s/%s'", store->dir, name) : r;
}

/* In the directory, which is read and closed, are but files. 1, 0 or -errno. */
static int has_files_only(int fd)
{
	DIR *dir = fdopendir(fd);
	struct dirent *entry;
	int r = 1;

	if (!dir) {
		r = -errno;
		(void)close(fd);
		return r;
	}
	while (r == 1 && (errno = 0, entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			r = path_has(fd, entry->d_name, S_IFREG);
	if (r == 1 && errno)
		r = -errno;
	(void)closedir(dir);
	return r;
}

int store_is_drivers(const struct store *store)
{
	static const char *const own[] = { "layers", "diff", "mnt" };
	int r = 1, layers;

	for (size_t i = 0; r == 1 && i < ARRAY_SIZE(own); i++)
		r = is_dir(store, own[i]);
	if (r <= 0)
		return r;
	layers = openat(store->fd, "layers", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	r = layers < 0 ? -errno : has_files_only(layers);
	return r < 0 ? log_errno(r, "read '%s/layers'", store->dir) : r;
}

/* The slip of one level is common. */
static int no_store(const struct store *store, int r, const char *more)
{
	if (faccessat(store->fd, "layers/driver", F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return log_refuse(r, "'%s' is no layer store%s; is it '%s/layers'?", store->dir, more, store->dir);
	return log_refuse(r, "'%s' is no layer store%s", store->dir, more);
}

int store_check_ours(const struct store *store)
{
	return store->foreign
		       ? log_refuse(-EROFS,
				    "'%s' is no layer store (it has no file 'driver'); if it is of Docker's aufs: "
				    "lxc-bdev layer import --aufs=%s",
				    store->dir, store->dir)
		       : 0;
}

/* The driver that the store says, "" when it says none, or -errno. */
static int read_driver(const struct store *store, char *driver, size_t size)
{
	_cleanup_close_ int fd = openat(store->fd, "driver", O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;
	ssize_t n;

	*driver = '\0';
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	/* A file that says nothing is not one that is missing, which means aufs. */
	n = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? read(fd, driver, size - 1) : 0;
	if (n <= 0)
		return n < 0 ? -errno : -EINVAL;
	driver[n] = '\0';
	driver[strcspn(driver, "\n")] = '\0';
	return 0;
}

/* What is missing of the store. The driver is first, as a store without it is one of aufs's graph driver. */
static int make(struct store *store, const char *driver, char *said, size_t size)
{
	int r = store_lock(store), drivers;

	if (r == 0 && (r = read_driver(store, said, size)) < 0)
		r = log_errno(r, "read '%s/driver'", store->dir);
	drivers = r == 0 && !*said ? store_is_drivers(store) : 1;
	if (drivers < 0)
		r = drivers;
	if (drivers == 0) {
		int fresh = is_fresh(store->fd);

		if (fresh < 0)
			r = log_errno(fresh, "read '%s'", store->dir);
		else if (!fresh)
			r = no_store(store, -ENOTEMPTY, ", and not empty");
		else
			r = store_write(store, ".", "driver", strcmp(driver, "aufs") == 0 ? "aufs\n" : "overlay\n");
		(void)snprintf(said, size, "%s", driver);
	}
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(dirs); i++)
		if (mkdirat(store->fd, dirs[i], 0700) < 0 && errno != EEXIST)
			r = log_errno(-errno, "make '%s/%s'", store->dir, dirs[i]);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(dirs); i++) {
		r = is_dir(store, dirs[i]);
		if (r >= 0)
			r = r ? 0 : log_refuse(-ENOTDIR, "'%s/%s' is no directory", store->dir, dirs[i]);
	}
	store_unlock(store);
	return r;
}

/* 1, 0 or -errno (logged). */
static int has_all(const struct store *store)
{
	int r = 1;

	for (size_t i = 0; r == 1 && i < ARRAY_SIZE(dirs); i++)
		r = is_dir(store, dirs[i]);
	return r;
}

static int look(struct store *store, const char *driver, bool create)
{
	char said[32];
	struct stat st;
	int r;

	if (fstat(store->fd, &st) < 0 || st.st_uid != geteuid() || (st.st_mode & 022))
		return log_refuse(-EPERM, "'%s' must belong to uid %d, and be writable by nobody else", store->dir,
				  (int)geteuid());
	r = read_driver(store, said, sizeof(said));
	if (r < 0)
		return log_errno(r, "read '%s/driver'", store->dir);
	r = *said ? 0 : store_is_drivers(store);
	if (r < 0)
		return r;
	store->foreign = r;
	if (!create && !*said && !store->foreign)
		return no_store(store, -ENOENT, "");
	if (create && store->foreign)
		return store_check_ours(store);
	r = store->foreign ? 1 : *said ? has_all(store) : 0;
	if (r == 0)
		r = make(store, driver ?: "overlay", said, sizeof(said));
	if (r < 0)
		return r;
	if (store->foreign)
		(void)snprintf(said, sizeof(said), "aufs");
	if (strcmp(said, STORE_CONVERTING) == 0)
		return log_refuse(-EBUSY, "'%s' is being converted; lxc-bdev layer import --aufs %s goes on with it",
				  store->dir, store->dir);
	if (strcmp(said, "aufs") != 0 && strcmp(said, "overlay") != 0)
		return log_refuse(-EINVAL, "'%s' has layers of '%s', which is not known here", store->dir, said);
	if (driver && strcmp(driver, said) != 0)
		return log_refuse(-EINVAL, "'%s' has layers of %s, not of %s", store->dir, said, driver);
	store->delta.form = strcmp(said, "aufs") == 0 ? DELTA_AUFS : DELTA_OVERLAY;
	return 0;
}

static int open_dir(const char *dir, struct store *store)
{
	*store = (struct store){ .fd = -EBADF, .lock = -EBADF, .dir = realpath(dir, NULL) };
	if (store->dir)
		store->fd = open(store->dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return store->fd < 0 ? log_errno(-errno, "layer store '%s'", dir) : 0;
}

/* Nothing of it is purged: it may be no store at all. */
static int give_up(struct store *store, int r)
{
	cleanup_close(&store->fd);
	free(store->dir);
	*store = (struct store){ .fd = -EBADF, .lock = -EBADF };
	return r;
}

int store_open(const char *dir, const char *driver, bool create, struct store *ret)
{
	int r;

	*ret = (struct store){ .fd = -EBADF, .lock = -EBADF };
	if (driver && strcmp(driver, "aufs") != 0 && strcmp(driver, "overlay") != 0)
		return log_refuse(-EINVAL, "driver '%s': neither overlay nor aufs", driver);
	if (create && mkdir(dir, 0700) < 0 && errno != EEXIST)
		return log_errno(-errno, "make '%s'", dir);
	r = open_dir(dir, ret);
	if (r == 0)
		r = look(ret, driver, create);
	return r < 0 ? give_up(ret, r) : 0;
}

int store_open_foreign(const char *dir, struct store *ret, bool *ret_begun)
{
	char said[32];
	int r = open_dir(dir, ret);

	if (r == 0)
		r = make(ret, "aufs", said, sizeof(said));
	if (r < 0)
		return give_up(ret, r);
	*ret_begun = strcmp(said, STORE_CONVERTING) == 0;
	if (strcmp(said, "overlay") == 0)
		return give_up(ret, log_refuse(-EEXIST, "'%s' has layers of overlay already", ret->dir));
	return 0;
}

void store_close(struct store *store)
{
	store_unlock(store);
	if (store->fd >= 0 && !store->foreign)
		store_purge(store_purge_claim(store));
	cleanup_close(&store->fd);
	free(store->dir);
	*store = (struct store){ .fd = -EBADF, .lock = -EBADF };
}
