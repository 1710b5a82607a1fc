/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * connect - make a block device of a server's connection: an nbd device by netlink or ioctl, or a FUSE file for a loop
 * device.
 */
#include "connect.h"
#include "../base/cleanup.h"
#include "../base/log.h"
#include "../base/path.h"
#include "../base/process.h"
#include "../kernel/nbd.h"
#include "../record-kinds/nbd.h"
#include "fuse-mount.h"
#include "fuse-server.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <poll.h>
#include <sys/ioctl.h>

#define READY_MS 30000 /* a remote server may need that long to answer QEMU */

int connect_open_device(const struct attachment *attachment, const struct nbd_export *export)
{
	const struct attach_request *request = attachment->request;
	_cleanup_close_ int fd = open(attachment->node, O_RDONLY | O_CLOEXEC);
	unsigned long long size;

	if (fd < 0)
		return log_errno(-errno, "%s: open '%s'", request->spec->where, attachment->node);
	if (ioctl(fd, BLKGETSIZE64, &size) < 0 || size != export->size)
		return log_refuse(-EIO, "%s: '%s' is not the device that was connected", request->spec->where,
				  attachment->node);
	return TAKE_FD(fd);
}

int connect_netlink(struct attachment *attachment, int client, const struct nbd_export *export)
{
	const struct attach_request *request = attachment->request;
	int r;

	attachment->backend =
		xasprintf("%s-%u-%lld", strrchr(attachment->journal->dir, '/') + 1, request->step, process_clock());
	r = nbd_record(attachment->journal, attachment->backend);
	if (r < 0)
		return r;
	r = nbd_connect(client, export, attachment->backend, request->reconnect);
	if (r < 0)
		return log_errno(r, "%s: connect an nbd device", request->spec->where);
	attachment->nr = r;
	return 0;
}

struct ioctl_worker {
	struct nbd_export export;
};

/* Serve an nbd device. Descriptor 3: the connection, 4: a pipe for the device's number. Returns the exit status. */
static int serve_ioctl(void *arg)
{
	const struct ioctl_worker *worker = arg;
	int r = nbd_serve(3, &worker->export, 4);

	if (r < 0)
		(void)dprintf(STDERR_FILENO, "%s\n", strerror(-r));
	return r < 0;
}

int connect_ioctl(struct attachment *attachment, int client, const struct nbd_export *export)
{
	const struct attach_request *request = attachment->request;
	struct ioctl_worker worker = { .export = *export };
	long long until = process_clock() + READY_MS;
	struct pollfd answer;
	int tell[2], r, nr = -1;
	int fds[2];
	struct server_request process = {
		.name = "bdev-nbd", .run = serve_ioctl, .arg = &worker, .fds = fds, .nfds = 2, .home = request->home
	};

	if (pipe2(tell, O_CLOEXEC) < 0)
		return log_errno(-errno, "%s: connect an nbd device", request->spec->where);
	fds[0] = client;
	fds[1] = tell[1];
	r = server_start(&process, attachment->journal, &attachment->worker);
	(void)close(tell[1]);
	answer = (struct pollfd){ .fd = tell[0], .events = POLLIN };
	if (r == 0 && (poll(&answer, 1, READY_MS) != 1 || read(tell[0], &nr, sizeof(nr)) != (ssize_t)sizeof(nr))) {
		_cleanup_free_ char *complaint = server_complaint(&attachment->worker);

		r = log_refuse(-EIO, "%s: connect an nbd device: %s", request->spec->where, complaint ?: "no free one");
	}
	(void)close(tell[0]);
	if (r < 0)
		return r;
	attachment->nr = nr;
	attachment->backend = xasprintf(NBD_BY_PID "%d", (int)attachment->worker.pid);
	/* NBD_DO_IT does not return once it is connected. */
	while (nbd_is_ready(nr, export->size) != 1 && process_clock() < until)
		process_sleep(1);
	return nbd_record(attachment->journal, attachment->backend);
}

/* Serve a FUSE file. Descriptor 3: /dev/fuse, 4: the connection. Returns the exit status. */
static int serve_fuse(void *arg)
{
	return fuse_serve(3, 4, arg) < 0;
}

int connect_fuse(struct attachment *attachment, int client, struct nbd_export *export)
{
	const struct attach_request *request = attachment->request;
	_cleanup_close_ int fuse = -EBADF, mount = -EBADF;
	int fds[2], r;
	const struct server_request process = {
		.name = "bdev-fuse", .run = serve_fuse, .arg = export, .fds = fds, .nfds = 2, .home = request->home
	};

	mount = fuse_mount(request->readonly, &fuse);
	if (mount < 0)
		return log_errno(mount, "%s: make a FUSE file", request->spec->where);
	fds[0] = fuse;
	fds[1] = client;
	r = server_start(&process, attachment->journal, &attachment->worker);
	if (r < 0)
		return r;
	/* Only the worker may hold this: if the worker ends, our requests must fail instead of waiting forever. */
	cleanup_close(&fuse);
	fuse = -EBADF;
	/* O_DIRECT, as the loop device has a page cache. */
	attachment->device = path_reopen(mount, (request->readonly ? O_RDONLY : O_RDWR) | O_DIRECT);
	return attachment->device < 0 ? log_errno(attachment->device, "%s: open the FUSE file", request->spec->where)
				      : 0;
}
