/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * store-open - open, make and close a store.
 */
#include "store-open.h"
#include "staging.h"
#include "../base/cleanup.h"
#include "../base/directory.h"
#include "../base/log.h"
#include "../base/path.h"

#include <dirent.h>
#include <fcntl.h>

static const char *const dirs[] = { "diff",	"mnt",	       STORE_STAGING, STORE_WORK,
				    STORE_INFO, STORE_HOLDERS, STORE_EMPTY,   "layers" };

/* What an interrupted store_open() leaves in a new store. */
static const char *const unfinished[] = { "lock", STORE_TEMP, NULL };

/* 1, 0 or -errno (logged). */
static int is_dir(const struct store *store, const char *name)
{
	int r = path_has(store->fd, name, S_IFDIR);

	return r < 0 ? log_errno(r, "look at '%s/%s'", store->dir, name) : r;
}

/* Return 1 if the directory, which is closed then, has only files; 0; or -errno. */
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

int store_is_docker(const struct store *store)
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

/* Refuse a directory that is no store. Naming the parent directory is a common mistake. */
static int no_store(const struct store *store, int r, const char *more)
{
	if (faccessat(store->fd, "layers/driver", F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return log_refuse(r, "'%s' is not a layer store%s; is it '%s/layers'?", store->dir, more, store->dir);
	return log_refuse(r, "'%s' is not a layer store%s", store->dir, more);
}

int store_check_ours(const struct store *store)
{
	return store->docker
		       ? log_refuse(
				 -EROFS,
				 "'%s' is not a layer store (it has no file 'driver'); if it is one of Docker's aufs driver: "
				 "lxc-bdev layer import --aufs=%s",
				 store->dir, store->dir)
		       : 0;
}

/* Read the store's driver; "" if it has none. Returns 0 or -errno. */
static int read_driver(const struct store *store, char *driver, size_t size)
{
	_cleanup_close_ int fd = openat(store->fd, "driver", O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;
	ssize_t n;

	*driver = '\0';
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	/* An empty file is not the same as a missing one, which means aufs. */
	n = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? read(fd, driver, size - 1) : 0;
	if (n <= 0)
		return n < 0 ? -errno : -EINVAL;
	driver[n] = '\0';
	driver[strcspn(driver, "\n")] = '\0';
	return 0;
}

/* Make what is missing of the store. The driver is first, as a store without one is Docker's. */
static int make(struct store *store, const char *driver, char *said, size_t size)
{
	int r = store_lock(store), drivers;

	if (r == 0 && (r = read_driver(store, said, size)) < 0)
		r = log_errno(r, "read '%s/driver'", store->dir);
	drivers = r == 0 && !*said ? store_is_docker(store) : 1;
	if (drivers < 0)
		r = drivers;
	if (drivers == 0) {
		int fresh = directory_is_empty(store->fd, unfinished);

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
			r = r ? 0 : log_refuse(-ENOTDIR, "'%s/%s' is not a directory", store->dir, dirs[i]);
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
	r = *said ? 0 : store_is_docker(store);
	if (r < 0)
		return r;
	store->docker = r;
	if (!create && !*said && !store->docker)
		return no_store(store, -ENOENT, "");
	if (create && store->docker)
		return store_check_ours(store);
	r = store->docker ? 1 : *said ? has_all(store) : 0;
	if (r == 0)
		r = make(store, driver ?: "overlay", said, sizeof(said));
	if (r < 0)
		return r;
	if (store->docker)
		(void)snprintf(said, sizeof(said), "aufs");
	if (strcmp(said, STORE_CONVERTING) == 0)
		return log_refuse(-EBUSY, "'%s' is being converted; lxc-bdev layer import --aufs %s goes on with it",
				  store->dir, store->dir);
	if (strcmp(said, "aufs") != 0 && strcmp(said, "overlay") != 0)
		return log_refuse(-EINVAL, "'%s' has layers of the unknown driver '%s'", store->dir, said);
	if (driver && strcmp(driver, said) != 0)
		return log_refuse(-EINVAL, "'%s' has layers of %s, not of %s", store->dir, said, driver);
	store->delta.format = strcmp(said, "aufs") == 0 ? DELTA_AUFS : DELTA_OVERLAY;
	return 0;
}

static int open_dir(const char *dir, struct store *store)
{
	*store = (struct store){ .fd = -EBADF, .lock = -EBADF, .dir = realpath(dir, NULL) };
	if (store->dir)
		store->fd = open(store->dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return store->fd < 0 ? log_errno(-errno, "layer store '%s'", dir) : 0;
}

/* Close it without a purge: it may be no store at all. */
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
		return log_refuse(-EMALFORMED, "driver '%s': neither overlay nor aufs", driver);
	if (create && mkdir(dir, 0700) < 0 && errno != EEXIST)
		return log_errno(-errno, "make '%s'", dir);
	r = open_dir(dir, ret);
	if (r == 0)
		r = look(ret, driver, create);
	return r < 0 ? give_up(ret, r) : 0;
}

int store_open_docker(const char *dir, struct store *ret, bool *ret_begun)
{
	char said[32];
	int r = open_dir(dir, ret);

	if (r == 0)
		r = make(ret, "aufs", said, sizeof(said));
	if (r < 0)
		return give_up(ret, r);
	*ret_begun = strcmp(said, STORE_CONVERTING) == 0;
	if (strcmp(said, "overlay") == 0)
		return give_up(ret, log_refuse(-EEXIST, "'%s' already is a store of overlay's layers", ret->dir));
	return 0;
}

void store_close(struct store *store)
{
	store_unlock(store);
	if (store->fd >= 0 && !store->docker)
		staging_purge(staging_claim_purge(store));
	cleanup_close(&store->fd);
	free(store->dir);
	*store = (struct store){ .fd = -EBADF, .lock = -EBADF };
}
