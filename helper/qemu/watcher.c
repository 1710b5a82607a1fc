/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * watcher - start a process that sleeps beside a server until its single event.
 *
 * It uses only the descriptors that it holds, no paths and no configuration.
 * If it is killed, the next release does its work from the journal.
 */
#include "watcher.h"
#include "../base/process.h"
#include "../base/cleanup.h"
#include "../kernel/image.h"
#include "../base/log.h"
#include "../kernel/nbd.h"
#include "qemu-nbd.h"

#include <poll.h>
#include <signal.h>
#include <sys/inotify.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define FIRST	3 /* its first descriptor, from server_start() */
#define POLL_MS 20

static void wait_readable(int fd, int ms)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };

	(void)poll(&poll_fd, 1, ms);
}

struct ioctl_watcher {
	int nr;
	const char *backend;
};

/* Watch a device connected by ioctl. Descriptor 3: the inotify watch. Returns the exit status. */
static int watch_ioctl(void *arg)
{
	const struct ioctl_watcher *watcher = arg;

	wait_readable(FIRST, -1);
	/* The file system is ending and may still write: retry until the device is disconnected. */
	for (;;) {
		int found = nbd_find(watcher->backend);

		if (found == -ENOENT || (found >= 0 && found != watcher->nr))
			return 0;
		if (found == watcher->nr && nbd_disconnect_idle(watcher->nr, watcher->backend) == 0)
			return 0;
		process_sleep(POLL_MS);
	}
}

int watcher_of_ioctl(int nr, const char *backend, int mount, int home, struct journal *journal)
{
	_cleanup_close_ int watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	_cleanup_free_ char *path = xasprintf("/proc/self/fd/%d", mount);
	struct ioctl_watcher watcher = { .nr = nr, .backend = backend };
	const struct server_request request = {
		.name = "bdev-watcher",
		.run = watch_ioctl,
		.arg = &watcher,
		.fds = &watch,
		.nfds = 1,
		.home = home,
	};
	struct server self;
	int r;

	/* IN_UNMOUNT, always reported, comes when the last mount of the file system ends. */
	if (watch < 0 || inotify_add_watch(watch, path, IN_DELETE_SELF) < 0)
		return log_errno(-errno, "watch the mount of '/dev/nbd%d' (see fs.inotify.max_user_instances)", nr);
	r = server_start(&request, journal, &self);
	if (r == 0)
		server_close(&self);
	return r;
}

struct nbd_watcher {
	const char *dir; /* RUN_DIR/ID */
	const char *const *argv;
	const struct qemu_graph *graph;
	int nr;
	const char *backend;
	unsigned int seconds;
};

/* Start a new server for the images, descriptors 4 and up, and connect the device to it. Returns a pidfd or -errno. */
static int restart(const struct nbd_watcher *watcher)
{
	struct server server = { .log = -EBADF };
	struct nbd_export export;
	struct qemu_graph graph = *watcher->graph;
	_cleanup_free_ int *images = xcalloc(graph.nfds + 1, sizeof(*images));
	_cleanup_free_ char *foreign = NULL;
	char error[256];
	int client, r;

	for (size_t i = 0; i < graph.nfds; i++) {
		images[i] = FIRST + 1 + (int)i;
		image_share(images[i], true);
	}
	graph.fds = images;
	client = qemu_nbd_start(watcher->dir, watcher->argv, &graph, -EBADF, NULL, &server);
	if (client < 0)
		return client;
	r = nbd_negotiate(client, &export, error, sizeof(error));
	if (r == 0)
		r = qemu_nbd_check_files(&server, &graph, &foreign);
	for (size_t i = 0; i < graph.nfds; i++)
		image_share(images[i], false);
	if (r == 0)
		r = nbd_reconnect(watcher->nr, watcher->backend, client);
	(void)close(client); /* a refused server ends with its only connection */
	server_close(&server);
	if (r == 0)
		r = (int)syscall(SYS_pidfd_open, server.pid, 0);
	return r;
}

/* Watch the server of a device. Descriptor 3: its pidfd, 4 and up: the images. Returns the exit status. */
static int watch_nbd(void *arg)
{
	const struct nbd_watcher *watcher = arg;
	int pidfd = FIRST;

	for (;;) {
		long long until;

		wait_readable(pidfd, -1);
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
		(void)close(pidfd);
		if (!watcher->seconds)
			return nbd_cut(watcher->nr, watcher->backend) < 0;
		until = process_clock() + 1000LL * watcher->seconds;
		/* The server ended because the device was disconnected, or it died. */
		do {
			int found = nbd_find(watcher->backend);

			if (found == -ENOENT || (found >= 0 && found != watcher->nr))
				return 0;
			pidfd = restart(watcher);
			if (pidfd >= 0)
				break;
			while (waitpid(-1, NULL, WNOHANG) > 0)
				;
			process_sleep(POLL_MS);
		} while (process_clock() < until);
		if (pidfd < 0)
			return 1;
	}
}

int watcher_of_nbd(const struct server *server, const struct qemu_graph *graph, const char *const *argv, int nr,
		   const char *backend, unsigned int seconds, int home, struct journal *journal)
{
	struct nbd_watcher watcher = {
		.dir = journal->dir, .argv = argv, .graph = graph, .nr = nr, .backend = backend, .seconds = seconds
	};
	_cleanup_free_ int *fds = xcalloc(graph->nfds + 1, sizeof(*fds));
	const struct server_request request = {
		.name = "bdev-watcher",
		.run = watch_nbd,
		.arg = &watcher,
		.fds = fds,
		.nfds = graph->nfds + 1,
		.home = home,
	};
	struct server self;
	int r;

	fds[0] = (int)syscall(SYS_pidfd_open, server->pid, 0);
	if (fds[0] < 0)
		return log_errno(-errno, "watch qemu-nbd");
	memcpy(fds + 1, graph->fds, graph->nfds * sizeof(*fds));
	r = server_start(&request, journal, &self);
	if (r == 0)
		server_close(&self);
	(void)close(fds[0]);
	return r;
}
