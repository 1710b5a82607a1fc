/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ephemeral - a new container on the stack of another one: its directory,
 * config and log.
 *
 * The config is what makes a directory a container: killed before, an empty
 * one stays, which the next one of that name takes over; killed after, a
 * container that lxc-destroy removes.
 */
#include "ephemeral.h"
#include "../config/dependencies.h"
#include "../base/cleanup.h"
#include "../base/directory.h"
#include "../record/owner.h"
#include "../record-kinds/unfinished.h"
#include "../kernel/image.h"
#include "../base/log.h"
#include "../kernel/mount.h"
#include "../record/release.h"
#include "../base/remove.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>

#define LOG_MAX_BYTES (1 << 20)
#define END_POLL_MS   2

/* Return 1 if the directory has no names but `but` (or NULL), or does not exist; 0; or -errno. */
static int is_empty(const char *dir, const char *but)
{
	_cleanup_close_ int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return errno == ENOENT ? 1 : errno == ENOTDIR ? 0 : -errno;
	return directory_is_empty(fd, (const char *const[]){ but, NULL });
}

/* Is it a directory that a killed one left? It is taken over: whoever makes the config has it. 1, 0 or -errno. */
static int is_half_made(const char *dir)
{
	_cleanup_free_ char *rootfs = xasprintf("%s/rootfs", dir);
	int r = is_empty(dir, "rootfs");

	return r == 1 ? is_empty(rootfs, NULL) : r;
}

/* Choose the name: the base's and six random letters, if none was given. 0 or -errno (logged). */
static int choose_name(const struct ephemeral_request *request, struct ephemeral *ephemeral)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
	unsigned char random[6];

	if (!request->name && getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return log_errno(-errno, "choose a name for the new container");
	ephemeral->name = request->name ? xstrdup(request->name) : xasprintf("%s_XXXXXX", request->base->name);
	for (size_t i = 0; !request->name && i < sizeof(random); i++)
		ephemeral->name[strlen(request->base->name) + 1 + i] = letters[random[i] % (sizeof(letters) - 1)];
	ephemeral->dir = xasprintf("%s/%s", request->lxcpath, ephemeral->name);
	return 0;
}

/* The new container's journal, locked and empty: what a dead process recorded in it is released. 0 or -errno (logged).
 */
static int open_unused(const struct ephemeral *ephemeral, struct journal *journal)
{
	for (;;) {
		int r = journal_open(ephemeral->dir, ephemeral->name, true, journal);

		if (r < 0 || !journal->n)
			return r;
		r = owner_runs(owner_of(journal));
		if (r == 0)
			r = release(journal);
		else
			r = r < 0 ? log_errno(r, "'%s': find out whether it runs", ephemeral->dir)
				  : log_refuse(-EEXIST, "'%s' exists already", ephemeral->dir);
		if (r < 0)
			return r;
	}
}

/*
 * Record the directory before it is made, with ourselves as the monitor: killed before there is a config, we leave two
 * empty directories that only doctor finds. 0 or -errno (logged).
 */
static int record_directory(const struct ephemeral *ephemeral, struct journal *journal)
{
	struct process self;
	int r = process_identify(getpid(), &self);

	if (r < 0)
		return log_errno(r, "find our own process");
	r = open_unused(ephemeral, journal);
	if (r == 0)
		r = owner_begin(journal,
				&(struct owner){ .name = ephemeral->name, .dir = ephemeral->dir, .monitor = self });
	return r ?: unfinished_record(journal, ephemeral->dir);
}

static int make_directory(const struct ephemeral *ephemeral)
{
	int r;

	if (mkdir(ephemeral->dir, 0700) == 0)
		return 0;
	if (errno != EEXIST)
		return log_errno(-errno, "make directory '%s'", ephemeral->dir);
	r = is_half_made(ephemeral->dir);
	if (r < 0)
		return log_errno(r, "look into '%s'", ephemeral->dir);
	return r ? 0 : log_refuse(-EEXIST, "'%s' exists already", ephemeral->dir);
}

/* Owner and mode of what the base has: who may enter it, and with lxc.idmap must. 0 or -errno. */
static int make_like(int fd, const char *path)
{
	struct stat st;

	return stat(path, &st) < 0 || fchown(fd, st.st_uid, st.st_gid) < 0 || fchmod(fd, st.st_mode & 07777) < 0
		       ? -errno
		       : 0;
}

/* Make a file of the container's. Its fd, or -errno (logged). */
static int create(const struct ephemeral *ephemeral, int dirfd, const char *name, int flags)
{
	int fd = openat(dirfd, name, flags | O_CREAT | O_EXCL | O_CLOEXEC, 0640);

	if (fd < 0 && errno == EEXIST)
		return log_refuse(-EEXIST, "'%s' exists already", ephemeral->dir);
	return fd < 0 ? log_errno(-errno, "make '%s/%s'", ephemeral->dir, name) : fd;
}

/* The directory becomes a container. 0 or -errno (logged). */
static int write_config(const struct ephemeral_request *request, struct ephemeral *ephemeral, int dirfd,
			const char *text)
{
	_cleanup_close_ int fd = create(ephemeral, dirfd, "config", O_WRONLY);
	size_t size = strlen(text);
	ssize_t n;
	int r;

	if (fd < 0)
		return fd;
	ephemeral->made = true;
	n = write(fd, text, size);
	r = n == (ssize_t)size ? make_like(fd, request->base->config) : n < 0 ? -errno : -ENOSPC;
	return r < 0 ? log_errno(r, "write '%s'", ephemeral->config) : 0;
}

/* The directory with an empty rootfs in it. Its fd, or -errno (logged). */
static int open_directory(const struct ephemeral_request *request, const struct ephemeral *ephemeral)
{
	_cleanup_close_ int dirfd = open(ephemeral->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rootfs = -EBADF;
	int r = dirfd < 0 || (mkdirat(dirfd, "rootfs", 0755) < 0 && errno != EEXIST) ? -errno : 0;

	if (r == 0) {
		rootfs = openat(dirfd, "rootfs", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		r = rootfs < 0 ? -errno : make_like(rootfs, request->base->dir);
	}
	if (r == 0)
		r = make_like(dirfd, request->base->dir);
	return r < 0 ? log_errno(r, "make '%s/rootfs'", ephemeral->dir) : TAKE_FD(dirfd);
}

/* What is in the directory. 0 or -errno (logged). */
static int fill_directory(const struct ephemeral_request *request, struct ephemeral *ephemeral)
{
	_cleanup_free_ char *name = xasprintf("%s.log", ephemeral->name), *text = NULL;
	_cleanup_close_ int dirfd = -EBADF;
	int r = ephemeral_config(request, ephemeral, &text);

	if (r == 0)
		r = dirfd = open_directory(request, ephemeral);
	if (r >= 0)
		r = write_config(request, ephemeral, dirfd, text);
	if (r == 0)
		r = ephemeral->log = create(ephemeral, dirfd, name, O_RDONLY);
	/* As long as we live, it is no leftover, although no monitor may run yet. */
	if (r >= 0 && flock(ephemeral->log, LOCK_SH | LOCK_NB) < 0)
		r = log_errno(-errno, "lock '%s'", ephemeral->logfile);
	return r < 0 ? r : 0;
}

int ephemeral_make(const struct ephemeral_request *request, struct ephemeral *ret)
{
	struct journal journal = { .dirfd = -EBADF, .fd = -EBADF };
	int r, kept;

	*ret = (struct ephemeral){ .log = -EBADF };
	if (strpbrk(request->lxcpath, "\n\r") || strpbrk(request->base->dir, "\n\r"))
		return log_refuse(-EINVAL, "a path with a line break in it cannot be in a config");
	r = choose_name(request, ret);
	if (r == 0)
		r = record_directory(ret, &journal);
	if (r == 0)
		r = make_directory(ret);
	if (r == 0) {
		ret->base = xstrdup(request->base->dir);
		ret->config = xasprintf("%s/config", ret->dir);
		ret->logfile = xasprintf("%s/%s.log", ret->dir, ret->name);
		r = fill_directory(request, ret);
		if (r < 0)
			(void)ephemeral_remove(ret);
	}
	/* Not begun, it is the record of a container that exists already. */
	if (journal.fd < 0) {
		journal_close(&journal);
		return r;
	}
	kept = journal_discard(&journal);
	if (r < 0 || kept == 0)
		return r;
	(void)ephemeral_remove(ret);
	return kept;
}

void ephemeral_clear(struct ephemeral *ephemeral)
{
	free(ephemeral->name);
	free(ephemeral->dir);
	free(ephemeral->base);
	free(ephemeral->config);
	free(ephemeral->logfile);
	cleanup_close(&ephemeral->log);
	*ephemeral = (struct ephemeral){ .log = -EBADF };
}

int ephemeral_record(const struct ephemeral *ephemeral)
{
	int r = dependencies_record(ephemeral->dir, ephemeral->base);

	return r < 0 ? log_errno(r, "record that '%s' depends on '%s'", ephemeral->dir, ephemeral->base) : 0;
}

/* Refuse while something is mounted in the directory: what is there is not ours to remove. 0 or -errno (logged). */
static int check_mounts(const char *dir)
{
	_cleanup_free_ char *real = realpath(dir, NULL), *mounted = NULL;
	int r = real ? mount_find_below(real, &mounted) : errno == ENOENT ? 0 : -errno;

	if (r < 0)
		return log_errno(r, "cannot remove '%s': find the mounts below it", dir);
	return r > 0 ? log_refuse(-EBUSY, "cannot remove '%s': '%s' is mounted; unmount it, then remove the container",
				  dir, mounted)
		     : 0;
}

int ephemeral_remove(const struct ephemeral *ephemeral)
{
	int r;

	if (!ephemeral->made)
		return unfinished_remove(ephemeral->dir);
	r = check_mounts(ephemeral->dir);
	if (r < 0)
		return r;
	(void)dependencies_forget(ephemeral->dir, ephemeral->base);
	/* It stops at a mount of any file system, which comes after the look. */
	r = remove_tree(AT_FDCWD, ephemeral->dir, NULL);
	return r < 0 ? log_errno(r, "remove '%s'", ephemeral->dir) : 0;
}

int ephemeral_wait_end(const struct ephemeral *ephemeral, int ms)
{
	long long until = process_clock() + ms;
	int r;

	/* LXC has the log open for writing, and is asked nothing. */
	while ((r = lease_is_written(ephemeral->log)) > 0) {
		if (process_clock() >= until)
			return -ETIMEDOUT;
		process_sleep(END_POLL_MS);
	}
	return r;
}

/* The message of the first line that has the mark: what is behind it. For the caller to free, or NULL. */
static char *find_message(const char *text, const char *mark)
{
	const char *found = strstr(text, mark);

	if (!found)
		return NULL;
	found += strlen(mark);
	return xstrndup(found, strcspn(found, "\n"));
}

char *ephemeral_complaint(const struct ephemeral *ephemeral, bool *ret_ran)
{
	_cleanup_free_ char *text = xcalloc(LOG_MAX_BYTES, 1), *line = NULL;
	char *message, *dash;

	*ret_ran = false;
	if (pread(ephemeral->log, text, LOG_MAX_BYTES - 1, 0) <= 0)
		return NULL;
	*ret_ran = strstr(text, " - Started \"");
	message = find_message(text, "lxc-bdev: pre-start: ");
	if (message)
		return message;
	/* "lxc-start NAME TIME ERROR    MODULE - FILE:FUNCTION:LINE - MESSAGE" */
	line = find_message(text, " ERROR ");
	dash = line ? strstr(line, " - ") : NULL;
	dash = dash ? strstr(dash + 3, " - ") : NULL;
	return dash ? xstrdup(dash + 3) : TAKE_PTR(line);
}
