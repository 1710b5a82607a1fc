/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * nbd - an image in any format that QEMU reads, or an image on a server.
 *
 * qemu-nbd serves the image. It becomes a block device through the kernel's
 * nbd or, on a kernel without nbd, through a FUSE file and a loop device:
 * qemu/attach.c. qemu/graph.c decides which files QEMU may open.
 * nbd-options.c has the defaults.
 */
#include "../record-kinds/device.h"
#include "../record-kinds/offer.h"
#include "../uses/claim.h"
#include "../uses/image-users.h"
#include "../stack/type.h"
#include "../base/number.h"
#include "../qemu/attach.h"
#include "../kernel/block-mount.h"
#include "../qemu/graph.h"
#include "nbd-options.h"
#include "../qemu/header.h"
#include "../qemu/transport.h"

#include <fcntl.h>

#define FIRST_FD 4 /* descriptor 3 of QEMU is its socket */

static const char *cache_name(const struct nbd_data *data)
{
	if (data->qemu.no_flush)
		return "unsafe";
	if (data->qemu.direct)
		return data->qemu.writethrough ? "directsync" : "none";
	return data->qemu.writethrough ? "writethrough" : "writeback";
}

static int nbd_plan(const struct spec *spec, struct plan *plan)
{
	_cleanup_free_ struct nbd_data *data = xcalloc(1, sizeof(*data));
	_cleanup_free_ char *part = NULL;
	struct qemu_graph graph = { .first_fd = FIRST_FD };
	const char *image;
	int r = nbd_options_parse(spec, plan, data);

	if (r == 0)
		r = qemu_open(spec, &data->qemu, plan->dirfd, -EBADF, &graph);
	if (r == 0 && !spec->readonly && graph.nfds && mount_is_readonly(graph.fds[0]) == 1)
		r = spec_refuse(spec, -EROFS, "image '%s' lies on a read-only file system; add ,ro", spec->sources[0]);
	qemu_close(&graph);
	if (r < 0)
		return r;
	if (data->transport.kind == TRANSPORT_FUSE)
		plan->loop = plan->loop ?: spec;
	image = data->qemu.uri ?: spec->sources[0];
	part = data->partition ? xasprintf(" partition %u", data->partition) : xstrdup("");
	plan_add_root(plan, spec, 0, !spec->readonly);
	if (!spec->readonly)
		plan_add_writer(plan, spec);
	plan_step(plan, spec, data, "mount '%s'%s, %s, %s, cache %s, served %s", image, part, data->qemu.format,
		  spec->readonly ? "read-only" : "read-write", cache_name(data), data->transport.how);
	if (data->transport.kind == TRANSPORT_IOCTL)
		plan->steps[plan->nsteps - 1].undo = "a watcher, which disconnects when the mount ends";
	(void)TAKE_PTR(data); /* the plan frees it */
	return 0;
}

/* --- build --- */

/*
 * Lock the image and its backing files. QEMU inherits the descriptors that hold the locks, so the locks end with QEMU.
 * *ret_used: one of the files has other readers. Returns 0 or -errno (logged).
 */
static int lock_images(const struct spec *spec, struct build *build, const struct qemu_graph *graph, bool *ret_used)
{
	bool shared;
	int r = 0;

	for (size_t i = 0; r == 0 && i < graph->nfds; i++) {
		_cleanup_free_ char *path = path_of(graph->fds[i]);
		const char *name = i ? path : spec->sources[0];
		bool readonly = spec->readonly || i >= graph->nwritten;

		r = image_users_refuse(spec, graph->fds[i], name, readonly, build->wait_ms);
		*ret_used = *ret_used || image_users_has_readers(graph->fds[i]);
		if (r == 0)
			r = uses_claim_image(spec, build->journal, graph->fds[i], name, readonly, true, build->wait_ms,
					     &shared);
	}
	return r;
}

static int mount_attached(const struct spec *spec, struct attachment *attachment, struct build *build, bool used,
			  bool fixed)
{
	const struct block_mount fs = {
		.fstype = attachment->area.fstype,
		.name = *spec->sources[0] ? spec->sources[0] : spec_option(spec, "uri")->value,
		.where = spec->where,
		.readonly = spec->readonly || image_fs_readonly(attachment->area.fstype),
		.used = used,
		.fixed = fixed,
	};
	_cleanup_close_ int mount = block_mount(&fs, attachment->node, false);
	int r = mount < 0 ? mount : attach_settle(attachment, mount);

	if (mount < 0)
		attach_abandon(attachment);
	return r < 0 ? r : build_add_root(build, &mount, NULL);
}

/* Mount the device of another reader of the image. Returns 0; -ENOENT: there is none; or -errno (logged). */
static int mount_shared(const struct spec *spec, struct build *build, const char *key)
{
	_cleanup_free_ char *node = NULL, *fstype = NULL;
	_cleanup_close_ int device = offer_take(build->journal, key, &node, &fstype), mount = -EBADF;
	const struct block_mount fs = {
		.fstype = fstype, .name = spec->sources[0], .where = spec->where, .readonly = true, .used = true
	};

	if (device < 0)
		return device;
	mount = block_mount(&fs, node, false);
	return mount < 0 ? mount : build_add_root(build, &mount, NULL);
}

static int mount_served(const struct step *step, const struct nbd_data *data, struct build *build,
			const struct qemu_graph *graph, const char *key, bool used)
{
	const struct spec *spec = step->spec;
	const struct spec_option *fstype = spec_option(spec, "fstype");
	struct attach_request request = {
		.transport = data->transport.kind,
		.spec = spec,
		.graph = graph,
		.readonly = spec->readonly,
		.options = &data->qemu,
		.reconnect = data->reconnect,
		.partition = data->partition,
		.fstype = fstype ? fstype->value : NULL,
		.home = build->stage.host,
		.step = (unsigned int)(step - build->plan->steps),
	};
	bool fixed = graph->nfds && mount_is_readonly(graph->fds[0]) == 1;
	struct attachment attachment;
	int r = attach_image(&request, build->journal, &attachment);

	if (r < 0)
		return r;
	for (size_t i = 0; i < graph->nfds; i++)
		image_share(graph->fds[i], false);
	/* Offer the device to other readers. None looks for it before it is armed, as we hold rundir_lock(). */
	if (key)
		r = offer_make(build->journal, key, attachment.node, attachment.area.fstype);
	if (r < 0)
		attach_abandon(&attachment);
	return r < 0 ? r : mount_attached(spec, &attachment, build, used, fixed);
}

static int nbd_build(const struct step *step, struct build *build)
{
	const struct spec *spec = step->spec;
	struct nbd_data data = *(const struct nbd_data *)step->data;
	struct qemu_graph graph = { .first_fd = FIRST_FD };
	_cleanup_free_ char *key = NULL;
	_cleanup_close_ int lock = -EBADF;
	bool used = false;
	int r;

	r = transport_prepare(spec, &data.transport);
	if (r == 0)
		r = nbd_options_check_reconnect(spec, &data);
	if (r == 0)
		r = qemu_open(spec, &data.qemu, build->plan->dirfd, build->stage.host >= 0 ? build->stage.root : -EBADF,
			      &graph);
	if (r == 0 && spec->readonly && graph.nfds) {
		lock = rundir_lock(RUNDIR_WAIT_MS);
		key = lock < 0 ? NULL : qemu_graph_key(spec, &graph, data.transport.how);
	}
	if (r == 0)
		r = lock_images(spec, build, &graph, &used);
	if (r == 0)
		r = device_record_transport(build->journal, data.transport.how);
	if (r == 0) {
		r = key ? mount_shared(spec, build, key) : -ENOENT;
		if (r == -ENOENT)
			r = mount_served(step, &data, build, &graph, key, used);
	}
	qemu_close(&graph);
	return r;
}

/* Copy the image and those of its backing files that are in the container's directory. Returns 0 or -errno (logged). */
static int nbd_clone(const struct spec *spec, struct clone *clone)
{
	struct plan from = { .dir = clone->from_dir, .dirfd = clone->from };
	struct plan to = { .dir = clone->to_dir, .dirfd = clone->to };
	struct qemu_graph graph = { .first_fd = FIRST_FD };
	struct nbd_data data = { 0 };
	int r = nbd_options_parse(spec, &from, &data);

	if (r == 0)
		r = qemu_open(spec, &data.qemu, from.dirfd, -EBADF, &graph);
	for (size_t i = 0; r == 0 && i < graph.nfds; i++) {
		_cleanup_free_ char *path = path_of(graph.fds[i]);
		const char *own = i ? path_below(path, clone->from_dir) : NULL;

		if (i == 0 || own)
			r = clone_source(clone, spec, i ? own : spec->sources[0]);
	}
	qemu_close(&graph);
	if (r < 0 || clone->dry || !*spec->sources[0] || *spec->sources[0] == '/')
		return r;
	/* The copy must not name backing files of the source container, which may be destroyed. */
	r = qemu_open(spec, &data.qemu, to.dirfd, -EBADF, &graph);
	for (size_t i = 0; r == 0 && i < graph.nfds; i++) {
		_cleanup_free_ char *path = path_of(graph.fds[i]);

		if (path_below(path, clone->from_dir) && !path_below(path, clone->to_dir))
			r = spec_refuse(spec, -EINVAL,
					"cannot copy: its header names '%s' by an absolute path; make that relative "
					"with qemu-img rebase -u",
					path);
	}
	qemu_close(&graph);
	return r;
}

static const struct bdev_option nbd_options[] = {
	{ "format", "FORMAT", "raw, qcow2, qed, vdi, vmdk, vhdx or vpc (default: by the file name's extension)" },
	{ "uri", "URI",
	  "instead of IMAGE: nbd://HOST/EXPORT, nbd+unix:///EXPORT?socket=PATH, rbd:POOL/IMAGE, https:..." },
	{ "transport", "auto|nbd|fuse", "nbd device, or FUSE file for kernels without nbd (default: auto)" },
	{ "cache", "MODE", "none, writeback, writethrough, directsync or unsafe (default: none, else writeback)" },
	{ "aio", "MODE", "threads, native or io_uring (default: threads)" },
	{ "discard", "MODE", "unmap or ignore: let fstrim shrink the image or not (default: unmap)" },
	{ "detect-zeroes", "MODE", "unmap, on or off: save the space of written zeroes or not (default: unmap)" },
	{ "reconnect", "SECONDS", "if QEMU dies, start it again; the container waits so long for it" },
	{ "fstype", "TYPE", "accept only this file system (the superblock tells the type in any case)" },
	{ NULL, NULL, NULL },
};

const struct bdev_type bdev_nbd = {
	.name = "nbd",
	.source = "IMAGE[:PARTITION]",
	.summary = "an image in a format of QEMU (qcow2, vdi, vmdk, ...), or on a server",
	.undo = "the kernel, on last close; QEMU ends with its connection",
	.options = nbd_options,
	.clone = nbd_clone,
	.for_writers = { "discard", "detect-zeroes" },
	.plan = nbd_plan,
	.build = nbd_build,
};
