/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * store - the store's own directory: its lock, its files and lists.
 *
 * Only root can reach it, so its fixed names and checked IDs are trusted. The
 * contents of the layers are not: containers have written them.
 */
#include "store.h"
#include "../config/lxcpath.h"
#include "staging.h"
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
		return log_refuse(-EMALFORMED, "'%s': not the id of a layer; take the digits without 'sha256:'", id);
	return log_refuse(-EMALFORMED,
			  "'%s': not the id of a layer, which is up to %d letters, digits, '.', '_', '-', "
			  "begins with one of the first two, and does not end in " REMOVING,
			  id, ID_MAX);
}

char *store_default(const char *lxcpath)
{
	_cleanup_free_ char *base = lxcpath ? xstrdup(lxcpath) : lxcpath_default();

	return xasprintf("%s/.bdev-layers", base);
}

const char *store_driver(const struct store *store)
{
	return store->delta.format == DELTA_AUFS ? "aufs" : "overlay";
}

char *store_key(const struct store *store, const char *id)
{
	_cleanup_free_ char *inode = path_inode(store->fd);

	return xasprintf("%s %s", inode, id);
}

int store_lock(struct store *store)
{
	int fd = store->docker ? openat(store->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
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
	if (store->lock >= 0 && store->fd >= 0 && !store->docker)
		stage = staging_claim_purge(store);
	cleanup_close(&store->lock);
	store->lock = -EBADF;
	staging_purge(stage);
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

int store_look(const struct store *store, const char *path, struct stat *ret)
{
	struct stat st;

	if (fstatat(store->fd, path, ret ?: &st, AT_SYMLINK_NOFOLLOW) == 0)
		return 1;
	return errno == ENOENT ? 0 : log_errno(-errno, "look at '%s/%s'", store->dir, path);
}

void strings_free(char **strings, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(strings[i]);
	free(strings);
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int store_list(const struct store *store, const char *dir, char ***ret, size_t *ret_n)
{
	_cleanup_close_ int fd = openat(store->fd, dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *stream = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	int r;

	*ret = NULL;
	*ret_n = 0;
	if (!stream)
		return log_errno(-errno, "read '%s/%s'", store->dir, dir);
	(void)TAKE_FD(fd); /* closedir() closes it */
	while (errno = 0, (entry = readdir(stream)))
		if (strcmp(dir, "layers") == 0 ? store_is_id(entry->d_name) : entry->d_name[0] != '.')
			*ARRAY_ADD(*ret, *ret_n) = xstrdup(entry->d_name);
	r = -errno;
	(void)closedir(stream);
	if (r < 0) {
		strings_free(*ret, *ret_n);
		*ret = NULL;
		*ret_n = 0;
		return log_errno(r, "read '%s/%s'", store->dir, dir);
	}
	if (*ret_n)
		qsort(*ret, *ret_n, sizeof(**ret), compare);
	return 0;
}
