/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * holders - a file holders/ID/NAME for each holder: "PID START BOOT".
 *
 * A count would be wrong after the first kill -9. Of a name with a process it is
 * known whether that still lives.
 */
#include "holders.h"
#include "../base/cleanup.h"
#include "../base/log.h"
#include "../base/process.h"

#include <ctype.h>
#include <fcntl.h>
#include <sys/stat.h>

#define PROCESS "pid-"

char *holders_name(const char *given)
{
	bool fine = given && isalnum((unsigned char)*given) && strlen(given) <= 128;

	if (!given)
		return xasprintf(PROCESS "%d", (int)getppid());
	for (const char *c = given; fine && *c; c++)
		fine = isascii(*c) && (isalnum((unsigned char)*c) || strchr("._:@-", *c));
	if (fine && strncmp(given, PROCESS, strlen(PROCESS)) != 0)
		return xstrdup(given);
	(void)log_refuse(-EMALFORMED,
			 "holder '%s': up to 128 letters, digits, '.', '_', ':', '@', '-', beginning with one of the "
			 "first two, and not with " PROCESS,
			 given);
	return NULL;
}

static char *path_to(const char *id, const char *name)
{
	return xasprintf(STORE_HOLDERS "/%s%s%s", id, name ? "/" : "", name ?: "");
}

/* Return 1 if the holder lives; 0: it has ended, is of another boot, or was never recorded; or -errno (logged). */
static int is_alive(const struct store *store, const char *id, const char *name)
{
	_cleanup_free_ char *path = path_to(id, name);
	_cleanup_close_ int fd = openat(store->fd, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	char text[128], boot[40];
	struct process process;
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	int r;

	if (n < 0)
		return errno == ENOENT ? 0 : log_errno(-errno, "read '%s/%s'", store->dir, path);
	text[n] = '\0';
	if (sscanf(text, "%d %llu %39s", &process.pid, &process.start, boot) != 3 ||
	    strcmp(boot, process_boot_id()) != 0)
		return 0;
	r = process.pid == 0 ? 1 : process_alive(&process);
	return r < 0 ? log_errno(r, "layer '%s': find out whether its holder '%s' has ended", id, name) : r;
}

int holders_is_living(const struct store *store, const char *id, const char *name)
{
	return is_alive(store, id, name);
}

int holders_add(const struct store *store, const char *id, const char *name)
{
	_cleanup_free_ char *dir = path_to(id, NULL), *path = path_to(id, name), *text = NULL;
	struct process process = { 0 };
	_cleanup_close_ int fd = -EBADF;

	if (strncmp(name, PROCESS, strlen(PROCESS)) == 0) {
		pid_t pid = (pid_t)strtol(name + strlen(PROCESS), NULL, 10);

		if (process_identify(pid, &process) < 0)
			return log_refuse(-ESRCH, "the calling process has ended; name a holder with --holder");
	}
	text = xasprintf("%d %llu %s\n", (int)process.pid, process.start, process_boot_id());
	if (mkdirat(store->fd, dir, 0700) < 0 && errno != EEXIST)
		return log_errno(-errno, "make '%s/%s'", store->dir, dir);
	fd = openat(store->fd, path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		return log_errno(fd < 0 ? -errno : -ENOSPC, "write '%s/%s'", store->dir, path);
	return 0;
}

int holders_remove(const struct store *store, const char *id, const char *name)
{
	_cleanup_free_ char *dir = path_to(id, NULL), *path = path_to(id, name);

	if (unlinkat(store->fd, path, 0) < 0 && errno != ENOENT)
		return log_errno(-errno, "remove '%s/%s'", store->dir, path);
	(void)unlinkat(store->fd, dir, AT_REMOVEDIR);
	return 0;
}

int holders_list_living(const struct store *store, const char *id, bool clean, char ***ret, size_t *ret_n)
{
	_cleanup_free_ char *dir = path_to(id, NULL);
	char **names = NULL, **dead = NULL;
	size_t n = 0, ndead = 0;
	int r = store_look(store, dir, NULL);

	*ret = NULL;
	*ret_n = 0;
	if (r > 0)
		r = store_list(store, dir, &names, &n);
	for (size_t i = 0; r >= 0 && i < n; i++) {
		r = is_alive(store, id, names[i]);
		if (r > 0)
			*ARRAY_ADD(*ret, *ret_n) = xstrdup(names[i]);
		else if (r == 0)
			*ARRAY_ADD(dead, ndead) = xstrdup(names[i]);
	}
	for (size_t i = 0; r >= 0 && clean && i < ndead; i++)
		r = holders_remove(store, id, dead[i]);
	if (r >= 0 && clean && !*ret_n)
		(void)unlinkat(store->fd, dir, AT_REMOVEDIR);
	if (r < 0) {
		strings_free(*ret, *ret_n);
		*ret = NULL;
		*ret_n = 0;
	}
	strings_free(dead, ndead);
	strings_free(names, n);
	return r < 0 ? r : 0;
}
