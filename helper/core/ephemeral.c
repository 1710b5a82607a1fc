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
#include "depends.h"
#include "cleanup.h"
#include "log.h"
#include "proc.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <ftw.h>
#include <sys/random.h>
#include <sys/stat.h>

/*
 * The first line of the config. lxc.ephemeral is not in it but on lxc-start's command line: lxc-destroy silently keeps
 * containers that have it, and so what a crash left.
 */
#define MARK	      "# Made by lxc-bdev ephemeral; removed when it stops."

#define LOG_MAX_BYTES (1 << 20)
#define END_POLL_MS   2

/* The config of the new container, while it is written. */
struct writer {
	const struct ephemeral_request *request;
	FILE *file;
};

/* As both parsers read it: blanks at the ends are cut, then one pair of quotes. */
static void write_line(FILE *file, const char *key, const char *value)
{
	size_t n = strlen(value);
	const char *quote = n && (strchr(" \t\"'", *value) || strchr(" \t", value[n - 1])) ? "\"" : "";

	(void)fprintf(file, "%s = %s%s%s\n", key, quote, value, quote);
}

static void write_hwaddr(FILE *file, const char *key)
{
	unsigned char random[3] = { 0 };
	char text[24];

	(void)!getrandom(random, sizeof(random), 0);
	(void)snprintf(text, sizeof(text), "00:16:3e:%02x:%02x:%02x", random[0], random[1], random[2]);
	write_line(file, key, text);
}

/*
 * Not for the new container: what it has of its own, files that the base's monitor writes to, what makes LXC keep the
 * directory, and a start at boot of what a crash of the host left.
 */
static bool is_base_only(const char *key, const struct ephemeral_request *request)
{
	static const char *const keys[] = { "lxc.rootfs.path", "lxc.rootfs.managed",  "lxc.ephemeral",
					    "lxc.log.file",    "lxc.console.logfile", "lxc.start.auto" };

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (strcmp(key, keys[i]) == 0)
			return true;
	return strncmp(key, "bdev.", 5) == 0 || (strcmp(key, "lxc.uts.name") == 0 && !request->keepname);
}

static int copy_line(struct conf_reader *reader, const char *key, const char *value)
{
	struct writer *writer = reader->arg;

	if (*value && fnmatch("lxc.net.*.hwaddr", key, 0) == 0)
		write_hwaddr(writer->file, key);
	else if (!is_base_only(key, writer->request))
		write_line(writer->file, key, value);
	return 0;
}

/* A container may be called what no host is. */
static bool is_hostname(const char *name)
{
	for (; *name; name++)
		if (!isalnum((unsigned char)*name) && !strchr(".-_", *name))
			return false;
	return true;
}

static void write_own(FILE *file, const struct ephemeral_request *request, const struct ephemeral *ephemeral)
{
	_cleanup_free_ char *rootfs = xasprintf("dir:%s/rootfs", ephemeral->dir);
	_cleanup_free_ char *dir = spec_escape(request->base->dir), *base = xasprintf("container:%s", dir);

	if (!request->conf->hooked)
		write_line(file, "lxc.include", LXC_BDEV_CONF);
	write_line(file, "lxc.rootfs.path", rootfs);
	if (!request->keepname) {
		write_line(file, "lxc.uts.name", ephemeral->name);
		if (is_hostname(ephemeral->name))
			write_line(file, "bdev.hostname", ephemeral->name);
	}
	write_line(file, "lxc.ephemeral", "0");
	/* What the base includes may have a stack, too. */
	write_line(file, "bdev.rootfs", "");
	write_line(file, "bdev.rootfs", base);
	for (const char *const *spec = request->specs; *spec; spec++)
		write_line(file, "bdev.rootfs", *spec);
}

static int find_ephemeral(struct conf_reader *reader, const char *key, const char *value)
{
	bool *found = reader->arg;

	if (strcmp(key, "lxc.ephemeral") == 0)
		*found = strcmp(value, "1") == 0;
	return 0;
}

bool ephemeral_is(const char *config)
{
	_cleanup_free_ char *line = NULL;
	FILE *f = fopen(config, "re");
	size_t size = 0;
	bool found = f && getline(&line, &size, f) > 0 && strncmp(line, MARK, strlen(MARK)) == 0;
	struct conf_reader reader = { .file = config, .take = find_ephemeral, .arg = &found };

	if (f)
		(void)fclose(f);
	if (!found)
		(void)conf_each(&reader);
	return found;
}

/* The whole config as one string, for the caller to free. 0 or -errno (logged). */
static int make_text(const struct ephemeral_request *request, const struct ephemeral *ephemeral, char **ret)
{
	struct writer writer = { .request = request };
	struct conf_reader reader = { .file = request->base->config, .take = copy_line, .arg = &writer };
	size_t size = 0;
	int r;

	*ret = NULL;
	writer.file = must(open_memstream(ret, &size));
	if (!request->keepdata)
		(void)fprintf(writer.file, "%s\n", MARK);
	r = conf_each(&reader);
	if (r == 0)
		write_own(writer.file, request, ephemeral);
	if (fclose(writer.file) != 0)
		(void)must(NULL);
	return r;
}

/* There is nothing in the directory beside this (which may be NULL), or it does not exist. */
static bool is_empty(const char *dir, const char *but)
{
	DIR *open = opendir(dir);
	bool empty = open || errno == ENOENT;
	const struct dirent *entry;

	while (open && empty && (entry = readdir(open)))
		empty = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
			(but && strcmp(entry->d_name, but) == 0);
	if (open)
		(void)closedir(open);
	return empty;
}

/* What one that was killed left is taken over: whoever makes the config has it. */
static bool is_half_made(const char *dir)
{
	_cleanup_free_ char *rootfs = xasprintf("%s/rootfs", dir);

	return is_empty(dir, "rootfs") && is_empty(rootfs, NULL);
}

static int make_directory(const struct ephemeral_request *request, struct ephemeral *ephemeral)
{
	if (!request->name) {
		ephemeral->dir = xasprintf("%s/%s_XXXXXX", request->lxcpath, request->base->name);
		if (!mkdtemp(ephemeral->dir))
			return log_errno(-errno, "make a directory in '%s'", request->lxcpath);
		ephemeral->name = xstrdup(strrchr(ephemeral->dir, '/') + 1);
		return 0;
	}
	ephemeral->name = xstrdup(request->name);
	ephemeral->dir = xasprintf("%s/%s", request->lxcpath, request->name);
	if (mkdir(ephemeral->dir, 0700) == 0 || (errno == EEXIST && is_half_made(ephemeral->dir)))
		return 0;
	return errno == EEXIST ? log_refuse(-EEXIST, "'%s' exists already", ephemeral->dir)
			       : log_errno(-errno, "make directory '%s'", ephemeral->dir);
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
	int r = make_text(request, ephemeral, &text);

	if (r == 0)
		r = dirfd = open_directory(request, ephemeral);
	if (r >= 0)
		r = write_config(request, ephemeral, dirfd, text);
	if (r == 0)
		r = ephemeral->log = create(ephemeral, dirfd, name, O_RDONLY);
	return r < 0 ? r : 0;
}

int ephemeral_make(const struct ephemeral_request *request, struct ephemeral *ret)
{
	int r;

	*ret = (struct ephemeral){ .log = -EBADF };
	if (strpbrk(request->lxcpath, "\n\r") || strpbrk(request->base->dir, "\n\r"))
		return log_refuse(-EINVAL, "a path with a line break in it cannot be in a config");
	r = make_directory(request, ret);
	if (r < 0)
		return r;
	ret->base = xstrdup(request->base->dir);
	ret->config = xasprintf("%s/config", ret->dir);
	ret->logfile = xasprintf("%s/%s.log", ret->dir, ret->name);
	r = fill_directory(request, ret);
	if (r < 0)
		(void)ephemeral_remove(ret);
	return r;
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
	int r = depends_record(ephemeral->dir, ephemeral->base);

	return r < 0 ? log_errno(r, "record that '%s' stands on '%s'", ephemeral->dir, ephemeral->base) : 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path) < 0 && errno != ENOENT ? -errno : 0;
}

int ephemeral_remove(const struct ephemeral *ephemeral)
{
	_cleanup_free_ char *rootfs = xasprintf("%s/rootfs", ephemeral->dir);
	int r;

	if (!ephemeral->made) {
		(void)rmdir(rootfs);
		(void)rmdir(ephemeral->dir);
		return 0;
	}
	(void)depends_forget(ephemeral->dir, ephemeral->base);
	r = nftw(ephemeral->dir, remove_one, 16, FTW_DEPTH | FTW_MOUNT | FTW_PHYS);

	r = r == -1 ? -errno : r;
	return r < 0 && r != -ENOENT ? log_errno(r, "remove '%s'", ephemeral->dir) : 0;
}

int ephemeral_wait_end(const struct ephemeral *ephemeral, int ms)
{
	long long until = proc_now() + ms;

	/* A file that is open for writing gets no read lease: so LXC, which has the log open, is asked nothing. */
	while (fcntl(ephemeral->log, F_SETLEASE, F_RDLCK) < 0 && errno == EAGAIN) {
		if (proc_now() >= until)
			return -ETIMEDOUT;
		proc_sleep(END_POLL_MS);
	}
	(void)fcntl(ephemeral->log, F_SETLEASE, F_UNLCK);
	return 0;
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
