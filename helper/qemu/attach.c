/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * attach - make a block device of an image in a format of QEMU.
 *
 * qemu-nbd serves the image on a single connection and ends with it. There are
 * three ways from the connection to a block device. Each ends with the mount:
 * the kernel disconnects the device (netlink), a watcher disconnects it
 * (ioctl), or the FUSE file ends with its loop device. Until the device is
 * mounted, only this process holds it: on SIGKILL the kernel releases all.
 */
#include "attach.h"
#include "../base/process.h"
#include "../base/cleanup.h"
#include "connect.h"
#include "watcher.h"
#include "../base/log.h"
#include "../kernel/loop.h"
#include "../kernel/nbd.h"
#include "../base/path.h"
#include "qemu-nbd.h"
#include "../record-kinds/device.h"
#include "../record-kinds/loop.h"
#include "../record/uses.h"

#include <fcntl.h>
#include <linux/nbd.h>
#include <sys/socket.h>
#include <sys/stat.h>

/* Return whether QEMU's message says that another process uses the image: 'Failed to get [shared] "write" lock'. */
static bool is_of_a_lock(const char *complaint)
{
	static const char begin[] = "Failed to get ", end[] = "\" lock";
	size_t n = strlen(complaint);

	return strncmp(complaint, begin, strlen(begin)) == 0 && n >= strlen(end) &&
	       strcmp(complaint + n - strlen(end), end) == 0;
}

/* Report that QEMU did not start, with its message or, without one, `otherwise`. Returns -EBUSY or -EIO. */
static int refuse_server(const struct attachment *attachment, const char *otherwise)
{
	_cleanup_free_ char *complaint = server_complaint(&attachment->server);
	const struct attach_request *request = attachment->request;

	if (complaint && is_of_a_lock(complaint)) {
		_cleanup_free_ char *inode = request->graph->nfds ? path_inode(request->graph->fds[0]) : xstrdup("");
		const struct claim claim = { .object = CLAIM_IMAGE, .mode = CLAIM_READ | CLAIM_WRITE, .id = inode };
		_cleanup_free_ char *holder = NULL;

		(void)uses_who(&claim, false, attachment->journal->dir, &holder);

		return spec_refuse(request->spec, -EBUSY, "image '%s' is in use%s%s: %s", request->spec->sources[0],
				   holder ? " by " : "", holder ?: "", complaint);
	}
	return spec_refuse(request->spec, -EIO, "qemu-nbd: %s", complaint ?: otherwise);
}

/* Check QEMU's open files before anything reads the image. Returns 0 or -errno (logged). */
static int check_files(const struct attachment *attachment)
{
	const struct attach_request *request = attachment->request;
	_cleanup_free_ char *foreign = NULL;
	int r = qemu_nbd_check_files(&attachment->server, request->graph, &foreign);

	if (r == 0)
		return 0;
	if (foreign)
		return spec_refuse(
			request->spec, r,
			"qemu-nbd opened '%s', which is not part of the image: a header was changed after it "
			"had been checked",
			foreign);
	return spec_refuse(request->spec, r, "cannot read which files qemu-nbd has open: %s", strerror(-r));
}

static int attach_served(struct attachment *attachment)
{
	const struct attach_request *request = attachment->request;
	_cleanup_close_ int client = -EBADF;
	const struct timeval no_timeout = { 0 };
	struct nbd_export export;
	char error[256];
	int r;

	attachment->argv = qemu_nbd_argv(request->graph, request->spec->sources[0], request->options);
	client = qemu_nbd_start(attachment->journal->dir, attachment->argv, request->graph, request->home,
				attachment->journal, &attachment->server);
	if (client < 0)
		return client;
	r = nbd_negotiate(client, &export, error, sizeof(error));
	if (r < 0)
		return refuse_server(attachment, error);
	r = check_files(attachment);
	if (r < 0)
		return r;
	(void)setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &no_timeout, sizeof(no_timeout));
	if (request->readonly)
		export.flags |= NBD_FLAG_READ_ONLY;
	switch (request->transport) {
	case TRANSPORT_NETLINK:
		r = connect_netlink(attachment, client, &export);
		break;
	case TRANSPORT_IOCTL:
		r = connect_ioctl(attachment, client, &export);
		break;
	case TRANSPORT_FUSE:
		return connect_fuse(attachment, client, &export);
	}
	if (r < 0)
		return r;
	attachment->node = nbd_node(attachment->nr);
	attachment->device = connect_open_device(attachment, &export);
	return attachment->device < 0 ? attachment->device : 0;
}

/* --- the file system in the image --- */

/* Attach a loop device to the file system's area of the device. Returns 0 or -errno (logged). */
static int attach_loop(struct attachment *attachment)
{
	const struct attach_request *request = attachment->request;
	const struct loop_request loop = {
		.offset = attachment->area.offset,
		.size = attachment->area.size,
		.readonly = request->readonly,
		.direct = true,
		.name = request->spec->nsources ? request->spec->sources[0] : "",
	};
	_cleanup_close_ int file = -EBADF, device = -EBADF;
	int r;

	/* O_EXCL, so that the nbd device is not idle for others: a loop device does not claim its backing device. */
	file = path_reopen(attachment->device,
			   (request->readonly ? O_RDONLY : O_RDWR) | O_DIRECT | (attachment->nr < 0 ? 0 : O_EXCL));
	if (file < 0)
		return log_errno(file, "%s: open the image's device", request->spec->where);
	device = loop_attach(request->spec, file, &loop);
	if (device < 0)
		return device;
	free(attachment->node);
	attachment->node = NULL;
	r = loop_node(request->spec, device, &loop, &attachment->node);
	if (r < 0)
		return r;
	/* A kernel without BLK_DEV_WRITE_MOUNTED mounts no device that is open for writing. */
	attachment->loop = path_reopen(device, O_RDONLY);
	if (attachment->loop < 0)
		return log_errno(attachment->loop, "%s: open '%s'", request->spec->where, attachment->node);
	return loop_record(attachment->journal, attachment->node, attachment->loop, attachment->device);
}

/* Find the kernel's device of the partition. Returns "/dev/nbd0p1", for the caller to free, or NULL: there is none. */
static char *partition_node(const struct attachment *attachment)
{
	unsigned int partition = attachment->request->partition;
	_cleanup_free_ char *sys =
		xasprintf("/sys/block/nbd%d/nbd%dp%u/start", attachment->nr, attachment->nr, partition);
	_cleanup_free_ char *node = xasprintf("/dev/nbd%dp%u", attachment->nr, partition);
	unsigned long long start = 0;
	FILE *f = fopen(sys, "re");
	int n = f ? fscanf(f, "%llu", &start) : 0;

	if (f)
		(void)fclose(f);
	return n == 1 && start * 512 == attachment->area.offset && access(node, F_OK) == 0 ? TAKE_PTR(node) : NULL;
}

static int choose_node(struct attachment *attachment)
{
	char *part;

	if (attachment->nr < 0)
		return attach_loop(attachment);
	if (attachment->request->partition) {
		part = partition_node(attachment);
		if (!part)
			return attach_loop(attachment);
		free(attachment->node);
		attachment->node = part;
	}
	return device_record(attachment->journal, attachment->node);
}

int attach_image(const struct attach_request *request, struct journal *journal, struct attachment *ret)
{
	_cleanup_free_ char *reason = NULL;
	int r;

	*ret = (struct attachment){
		.request = request,
		.journal = journal,
		.server.log = -EBADF,
		.worker.log = -EBADF,
		.device = -EBADF,
		.loop = -EBADF,
		.nr = -1,
	};
	r = attach_served(ret);
	if (r == 0) {
		r = image_probe(ret->device, request->partition, request->fstype, &ret->area, &reason);
		if (r < 0)
			(void)spec_refuse(request->spec, r, "image '%s' %s",
					  request->spec->nsources ? request->spec->sources[0] : "", reason);
	}
	if (r == 0)
		r = choose_node(ret);
	if (r < 0)
		attach_abandon(ret);
	return r;
}

static void clear(struct attachment *attachment)
{
	cleanup_close(&attachment->loop);
	cleanup_close(&attachment->device);
	server_close(&attachment->server);
	server_close(&attachment->worker);
	qemu_nbd_free_argv(attachment->argv);
	free(attachment->backend);
	free(attachment->node);
	*attachment = (struct attachment){ .device = -EBADF, .loop = -EBADF, .nr = -1 };
}

int attach_settle(struct attachment *attachment, int mount)
{
	const struct attach_request *request = attachment->request;
	int r = 0;

	switch (request->transport) {
	case TRANSPORT_NETLINK:
		r = nbd_arm(attachment->nr, attachment->backend);
		if (r < 0)
			(void)log_errno(r, "%s: let '%s' end with its mount", request->spec->where, attachment->node);
		else
			r = watcher_of_nbd(&attachment->server, request->graph, attachment->argv, attachment->nr,
					   attachment->backend, request->reconnect, request->home, attachment->journal);
		break;
	case TRANSPORT_IOCTL:
		r = watcher_of_ioctl(attachment->nr, attachment->backend, mount, request->home, attachment->journal);
		break;
	case TRANSPORT_FUSE:
		break; /* now only the loop device holds the file */
	}
	clear(attachment);
	return r;
}

void attach_abandon(struct attachment *attachment)
{
	/* First the loop device, which holds the device. */
	cleanup_close(&attachment->loop);
	cleanup_close(&attachment->device);
	attachment->loop = attachment->device = -EBADF;
	if (attachment->nr >= 0)
		(void)nbd_disconnect_idle(attachment->nr, attachment->backend);
	server_end(&attachment->worker);
	server_end(&attachment->server);
	clear(attachment);
}
