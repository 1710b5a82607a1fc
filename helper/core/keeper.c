/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * keeper - a process that stays beside a server, asleep, until its one event.
 *
 * It holds descriptors and looks at nothing else: no paths, no configuration.
 * If it is killed, the next release() does its work from the journal.
 */
#include "keeper.h"
#include "attach.h"
#include "cleanup.h"
#include "log.h"
#include "loopdev.h"
#include "nbd.h"

#include <poll.h>
#include <signal.h>
#include <sys/inotify.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define FIRST	3 /* its descriptors, as server_start() gives them */
#define POLL_MS 20

static void drain(int watch)
{
	char events[4096];

	while (read(watch, events, sizeof(events)) > 0)
		;
}

static void wait_readable(int fd, int ms)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };

	(void)poll(&poll_fd, 1, ms);
}

struct fuse_keeper {
	int loop;
	unsigned long long diskseq;
};

/* 3: the watch, 4: the server's pidfd. */
static int keep_fuse(void *arg)
{
	const struct fuse_keeper *keeper = arg;
	struct pollfd fds[] = { { .fd = FIRST, .events = POLLIN }, { .fd = FIRST + 1, .events = POLLIN } };

	/* First what has been seen is forgotten, then looked: no close is missed in between. */
	for (;;) {
		drain(FIRST);
		if (!loopdev_is_bound(keeper->loop, keeper->diskseq))
			break;
		(void)poll(fds, ARRAY_SIZE(fds), -1);
		if (fds[1].revents)
			return 0; /* the server has died; the file system on it sees errors */
	}
	(void)syscall(SYS_pidfd_send_signal, FIRST + 1, SIGTERM, NULL, 0);
	wait_readable(FIRST + 1, -1);
	return 0;
}

int keeper_of_fuse(const struct server *server, int loop, int watch, int home, struct journal *journal)
{
	struct fuse_keeper keeper = { .loop = loopdev_number(loop), .diskseq = loopdev_diskseq(loop) };
	_cleanup_close_ int pidfd = (int)syscall(SYS_pidfd_open, server->pid, 0);
	const int fds[] = { watch, pidfd };
	const struct server_request request = {
		.name = "bdev-keeper",
		.run = keep_fuse,
		.arg = &keeper,
		.fds = fds,
		.nfds = ARRAY_SIZE(fds),
		.home = home,
	};
	struct server self;
	int r;

	if (pidfd < 0)
		return log_errno(-errno, "watch qemu-storage-daemon");
	r = server_start(&request, journal, &self);
	if (r == 0)
		server_close(&self);
	return r;
}

/* 3: the watch. */
static int keep_ioctl(void *arg)
{
	const int *nr = arg;

	wait_readable(FIRST, -1);
	/* The file system is ending; it may still write. */
	while (nbd_is_connected(*nr) && nbd_disconnect_idle(*nr) == -EBUSY)
		proc_sleep(POLL_MS);
	return 0;
}

int keeper_of_ioctl(int nr, int mount, int home, struct journal *journal)
{
	_cleanup_close_ int watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	_cleanup_free_ char *path = xasprintf("/proc/self/fd/%d", mount);
	const struct server_request request = {
		.name = "bdev-keeper",
		.run = keep_ioctl,
		.arg = &nr,
		.fds = &watch,
		.nfds = 1,
		.home = home,
	};
	struct server self;
	int r;

	/* IN_UNMOUNT comes unasked, when the last mount of the file system ends. */
	if (watch < 0 || inotify_add_watch(watch, path, IN_DELETE_SELF) < 0)
		return log_errno(-errno, "watch the mount of '/dev/nbd%d'", nr);
	r = server_start(&request, journal, &self);
	if (r == 0)
		server_close(&self);
	return r;
}

struct nbd_keeper {
	const char *dir; /* RUN_DIR/ID */
	const char *const *argv;
	size_t nimages;
	int nr;
	const char *backend;
	unsigned int seconds;
};

/* Start the server anew, its images being 4 and up here, and give the device its connection. Its pidfd, or -errno. */
static int restart(const struct nbd_keeper *keeper)
{
	struct server server = { .log = -EBADF };
	struct nbd_export export;
	_cleanup_free_ int *images = xcalloc(keeper->nimages + 1, sizeof(*images));
	char error[256];
	int client, r;

	for (size_t i = 0; i < keeper->nimages; i++)
		images[i] = FIRST + 1 + (int)i;
	client = attach_serve_nbd(keeper->dir, keeper->argv, images, keeper->nimages, -EBADF, NULL, &server);
	if (client < 0)
		return client;
	r = nbd_negotiate(client, &export, error, sizeof(error));
	if (r == 0)
		r = nbd_reconnect(keeper->nr, keeper->backend, client);
	(void)close(client);
	server_close(&server);
	if (r == 0)
		r = (int)syscall(SYS_pidfd_open, server.pid, 0);
	return r;
}

/* 3: the server's pidfd, 4 and up: the images. */
static int keep_nbd(void *arg)
{
	const struct nbd_keeper *keeper = arg;
	int pidfd = FIRST;

	for (;;) {
		long long until;

		wait_readable(pidfd, -1);
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
		(void)close(pidfd);
		until = proc_now() + 1000LL * keeper->seconds;
		/* Disconnected, so that it had to end; or it died. */
		do {
			if (nbd_find(keeper->backend) != keeper->nr)
				return 0;
			pidfd = restart(keeper);
			if (pidfd < 0)
				proc_sleep(POLL_MS);
		} while (pidfd < 0 && proc_now() < until);
		if (pidfd < 0)
			return 1;
	}
}

int keeper_of_nbd(const struct server *server, const struct qemu_graph *graph, const char *const *argv, int nr,
		  const char *backend, unsigned int seconds, int home, struct journal *journal)
{
	struct nbd_keeper keeper = { .dir = journal->dir,
				     .argv = argv,
				     .nimages = graph->nfds,
				     .nr = nr,
				     .backend = backend,
				     .seconds = seconds };
	_cleanup_free_ int *fds = xcalloc(graph->nfds + 1, sizeof(*fds));
	const struct server_request request = {
		.name = "bdev-keeper",
		.run = keep_nbd,
		.arg = &keeper,
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
