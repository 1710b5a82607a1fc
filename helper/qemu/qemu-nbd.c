/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * qemu-nbd - start QEMU's server with a single connection. It ends with that
 * connection, whichever process holds it then.
 */
#include "qemu-nbd.h"
#include "../base/cleanup.h"
#include "../base/log.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define ANSWER_S 30 /* a remote server may need that long to answer QEMU */

/* Make a listening socket and the only connection to it, and remove its name. Returns the socket or -errno. */
static int make_socket(const char *dir, int *ret_client)
{
	_cleanup_close_ int dirfd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	_cleanup_close_ int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	_cleanup_close_ int client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct timeval timeout = { .tv_sec = ANSWER_S };

	if (dirfd < 0 || listener < 0 || client < 0)
		return -errno;
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/socket", dirfd);
	(void)unlinkat(dirfd, "socket", 0);
	if (bind(listener, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(listener, 1) < 0 ||
	    connect(client, (struct sockaddr *)&address, sizeof(address)) < 0 || unlinkat(dirfd, "socket", 0) < 0 ||
	    setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) < 0)
		return -errno;
	*ret_client = TAKE_FD(client);
	return TAKE_FD(listener);
}

int qemu_nbd_start(const char *dir, const char *const *argv, const struct qemu_graph *graph, int home,
		   struct journal *journal, struct server *ret)
{
	_cleanup_close_ int client = -EBADF, listener = make_socket(dir, &client);
	_cleanup_free_ int *fds = xcalloc(graph->nfds + 1, sizeof(*fds));
	const struct server_request request = {
		.name = "qemu-nbd",
		.argv = argv,
		.fds = fds,
		.nfds = graph->nfds + 1,
		.nwritten = graph->nwritten,
		.network = !graph->nfds,
		.listens = true,
		.needs = graph->socket,
		.home = home,
	};
	int r;

	if (listener < 0)
		return log_errno(listener, "make a socket in '%s'", dir);
	fds[0] = listener;
	if (graph->nfds)
		memcpy(fds + 1, graph->fds, graph->nfds * sizeof(*fds));
	r = server_start(&request, journal, ret);
	return r < 0 ? r : TAKE_FD(client);
}

/* Check that a link of /proc/PID/fd is a file of the graph or, as a socket, none. Returns 1, 0 or -errno. */
static int is_expected(int dir, const char *name, const char *target, const struct qemu_graph *graph, int log)
{
	static const char *const devices[] = { "/dev/null", "/dev/urandom", "/dev/random" };
	struct stat st, known;

	if (*target != '/') /* "socket:[1234]" */
		return 1;
	for (size_t i = 0; i < ARRAY_SIZE(devices); i++)
		if (strcmp(target, devices[i]) == 0)
			return 1;
	if (fstatat(dir, name, &st, 0) < 0)
		return -errno;
	for (size_t i = 0; i <= graph->nfds; i++)
		if (fstat(i < graph->nfds ? graph->fds[i] : log, &known) == 0 && known.st_dev == st.st_dev &&
		    known.st_ino == st.st_ino)
			return 1;
	return 0;
}

int qemu_nbd_check_files(const struct server *server, const struct qemu_graph *graph, char **ret_foreign)
{
	_cleanup_free_ char *path = xasprintf("/proc/%d/fd", (int)server->pid);
	DIR *dir = graph->nfds ? opendir(path) : NULL;
	struct dirent *entry;
	int r = 1;

	if (!dir)
		return graph->nfds ? -errno : 0;
	while (r > 0 && (errno = 0, entry = readdir(dir))) {
		char target[PATH_MAX];
		ssize_t n;

		if (*entry->d_name == '.')
			continue;
		n = readlinkat(dirfd(dir), entry->d_name, target, sizeof(target) - 1);
		r = n < 0 ? (errno == ENOENT ? 1 : -errno) : 0;
		if (r)
			continue;
		target[n] = '\0';
		r = is_expected(dirfd(dir), entry->d_name, target, graph, server->log);
		if (r == 0)
			*ret_foreign = xstrdup(target);
	}
	if (r > 0 && errno)
		r = -errno;
	(void)closedir(dir);
	return r > 0 ? 0 : r ?: -EPERM;
}

static void add_argument(const char ***argv, size_t *n, const char *argument)
{
	const char **slot = array_grow(argv, n, sizeof(**argv));

	*slot = argument;
}

const char **qemu_nbd_argv(const struct qemu_graph *graph, const char *image, const struct qemu_options *options)
{
	const char **argv = NULL;
	size_t n = 0;

	add_argument(&argv, &n, options->writethrough ? "--cache=writethrough" : "--cache=writeback");
	if (options->readonly)
		add_argument(&argv, &n, "--read-only");
	/* qemu-nbd ignores these two in the graph's top node. */
	if (options->discard)
		add_argument(&argv, &n, "--discard=unmap");
	if (!options->readonly)
		add_argument(&argv, &n, options->detect_zeroes);
	add_argument(&argv, &n, "--description");
	add_argument(&argv, &n, image);
	add_argument(&argv, &n, xasprintf("json:%s", graph->json));
	add_argument(&argv, &n, NULL);
	return argv;
}

void qemu_nbd_free_argv(const char **argv)
{
	for (size_t i = 0; argv && argv[i]; i++)
		if (strncmp(argv[i], "json:", 5) == 0)
			free((char *)argv[i]);
	free(argv);
}
