/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * loop - a file system image in a regular file.
 *
 * The kernel detaches the loop device when its last user ends
 * (kernel/loop.c), so there is nothing to undo. The device holds our open
 * file description of the image, and thereby our locks.
 *
 * Readers of one image share one device and so one superblock: this saves memory,
 * and btrfs refuses one image on two devices. EROFS needs no device since Linux 6.12.
 */
#include "../base/running-kernel.h"
#include "../record-kinds/loop.h"
#include "../uses/claim.h"
#include "../uses/image-users.h"
#include "../stack/type.h"
#include "../kernel/block-mount.h"
#include "../kernel/image-content.h"
#include "../kernel/image.h"
#include "../kernel/loop.h"
#include "../qemu/server.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

struct loop_data {
	struct image_area area;
	bool readonly;
	unsigned int block; /* with direct-io: the smallest unit in which the kernel reads the file system */
	bool file_backed;   /* mount the file itself, without a loop device */
};

/* Read which part of the image the spec selects: *ret_partition or the area. Returns 0 or -EMALFORMED (logged). */
static int parse_area(const struct spec *spec, unsigned int *ret_partition, struct image_area *area)
{
	int r = spec_partition(spec, ret_partition);

	if (r == 0 && *ret_partition && (spec_option(spec, "offset") || spec_option(spec, "sizelimit")))
		r = spec_refuse(spec, -EMALFORMED, "offset= and sizelimit= contradict partition %u", *ret_partition);
	if (r == 0)
		r = spec_bytes(spec, "offset", &area->offset);
	if (r == 0)
		r = spec_bytes(spec, "sizelimit", &area->size);
	if (r == 0 && (area->offset % 512 || area->size % 512))
		r = spec_refuse(spec, -EMALFORMED, "offset= and sizelimit= must be multiples of 512");
	return r;
}

/* Open the image, a regular file, for reading; never blocks on a fifo. Returns the fd or -errno (logged). */
static int open_image(const struct spec *spec, const struct stage *stage, int dirfd)
{
	const char *path = spec->sources[0];
	int flags = O_RDONLY | O_NONBLOCK | O_NOCTTY;
	_cleanup_close_ int fd = -EBADF;
	struct stat st;

	/* The device holds the file's mount: the host's, not the stage's, or umount and losetup cannot find it. */
	if (stage && stage->host >= 0 && *path == '/') {
		fd = openat(stage->root, path + strspn(path, "/"), flags | O_CLOEXEC);
		fd = fd < 0 ? -errno : fd;
	} else {
		fd = path_open(dirfd, path, flags);
	}
	if (fd < 0)
		return spec_refuse(spec, fd, "open image '%s': %s", path, path_strerror(fd));
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return spec_refuse(spec, -EINVAL, "image '%s' is not a regular file", path);
	return TAKE_FD(fd);
}

static int check_options(const struct spec *spec, const struct loop_data *data)
{
	if (spec_option(spec, "discard") && data->readonly)
		return spec_refuse(spec, -EMALFORMED, "discard needs a file system that is mounted writable");
	if (spec_option(spec, "discard") && strcmp(data->area.fstype, "ext2") == 0)
		return spec_refuse(spec, -EINVAL, "ext2 does not support discard");
	return 0;
}

/* Check the alignment that direct-io on a disk with such sectors needs. Returns 0 or -EOPNOTSUPP (logged). */
static int check_aligned(const struct spec *spec, const struct loop_data *data, unsigned int sector)
{
	if (data->area.offset % sector)
		return spec_refuse(spec, -EOPNOTSUPP,
				   "a file system at byte %llu cannot do direct-io on a disk with sectors of %u bytes; "
				   "remove direct-io",
				   (unsigned long long)data->area.offset, sector);
	if (data->block < sector)
		return spec_refuse(spec, -EOPNOTSUPP,
				   "%s with blocks of %u bytes cannot do direct-io on a disk with sectors of %u bytes; "
				   "remove direct-io",
				   data->area.fstype, data->block, sector);
	return 0;
}

/*
 * Check that the image can be used with direct-io, as far as its file system tells; the start checks again with the
 * loop device. Returns 0 or -errno (logged).
 */
static int check_direct(const struct spec *spec, int image, struct loop_data *data)
{
	_cleanup_close_ int direct = path_reopen(image, O_RDONLY | O_DIRECT);
	struct image_needs fs = { 0 };
	unsigned int sector;
	int r;

	if (direct == -EINVAL)
		return spec_refuse(spec, -EOPNOTSUPP, "the file system of '%s' cannot do direct-io", spec->sources[0]);
	r = direct < 0 ? direct : image_content_needs(image, data->area.offset, data->area.fstype, &fs);
	if (r < 0)
		return log_errno(r, "%s: open image '%s'", spec->where, spec->sources[0]);
	data->block = fs.block;
	sector = path_direct_align(image);
	return sector ? check_aligned(spec, data, sector) : 0;
}

static int loop_plan(const struct spec *spec, struct plan *plan)
{
	const struct spec_option *fstype = spec_option(spec, "fstype");
	_cleanup_free_ struct loop_data *data = xcalloc(1, sizeof(*data));
	_cleanup_free_ char *reason = NULL, *part = NULL;
	_cleanup_close_ int fd = -EBADF;
	unsigned int partition = 0;
	int depth = 0, r;

	r = parse_area(spec, &partition, &data->area);
	if (r < 0)
		return r;
	data->file_backed = !partition && !data->area.offset && !data->area.size && !spec_option(spec, "direct-io") &&
			    !kernel_before(6, 12);
	fd = open_image(spec, NULL, plan->dirfd);
	if (fd < 0)
		return fd;
	r = image_probe(fd, partition, fstype ? fstype->value : NULL, &data->area, &reason);
	if (r < 0)
		return spec_refuse(spec, r, "image '%s' %s", spec->sources[0], reason);
	data->readonly = spec->readonly || image_fs_readonly(data->area.fstype);
	r = data->readonly ? 0 : mount_is_readonly(fd);
	if (r < 0)
		return log_errno(r, "%s: look at the file system of image '%s'", spec->where, spec->sources[0]);
	if (r > 0)
		return spec_refuse(spec, -EROFS, "image '%s' lies on a read-only file system; add ,ro",
				   spec->sources[0]);
	r = check_options(spec, data);
	if (r == 0 && spec_option(spec, "direct-io"))
		r = check_direct(spec, fd, data);
	if (r < 0)
		return r;

	data->file_backed &= strcmp(data->area.fstype, "erofs") == 0;
	part = partition ? xasprintf(" partition %u", partition) : xstrdup("");
	if (data->file_backed) {
		r = bdev_depth(spec, fd);
		if (r < 0)
			return r;
		depth = r + 1;
	} else if (!data->readonly || !image_users_has_readers(fd)) {
		plan->loop = plan->loop ?: spec;
	}
	plan_add_root(plan, spec, depth, !data->readonly);
	plan->roots[plan->nroots - 1].fstype = data->area.fstype;
	if (!data->readonly)
		plan_add_writer(plan, spec); /* also as a lower layer: it is attached for writing */
	plan_step(plan, spec, data, "mount '%s'%s, %s, %s, %s", spec->sources[0], part, data->area.fstype,
		  data->readonly ? "read-only" : "read-write",
		  data->file_backed ? "from the file itself" : "through a loop device");
	if (data->file_backed)
		plan->steps[plan->nsteps - 1].undo = "the kernel, with the mount";
	(void)TAKE_PTR(data); /* the plan frees it */
	return 0;
}

static struct block_mount blockfs_of(const struct spec *spec, const struct loop_data *data, int image, bool used)
{
	return (struct block_mount){
		.fstype = data->area.fstype,
		.name = spec->sources[0],
		.where = spec->where,
		.readonly = data->readonly,
		.discard = spec_option(spec, "discard"),
		.used = used,
		.fixed = mount_is_readonly(image) == 1,
	};
}

/* Mount the image through a loop device. Returns the mount's fd or -errno (logged). */
static int mount_device(const struct spec *spec, struct build *build, int image, const struct loop_data *data,
			bool shared, bool used)
{
	const struct loop_request request = {
		.name = spec->sources[0],
		.offset = data->area.offset,
		.size = data->area.size,
		.readonly = data->readonly,
		.direct = spec_option(spec, "direct-io"),
	};
	const struct block_mount blockfs = blockfs_of(spec, data, image, used);
	_cleanup_close_ int device = -EBADF;
	_cleanup_free_ char *node = NULL;
	int r, sector = 0;

	device = data->readonly && shared ? loop_find_shared(image, &request) : -ENOENT;
	if (device < 0)
		device = loop_attach(spec, image, &request);
	if (device < 0)
		return device;
	r = loop_node(spec, device, &request, &node);
	/* A device with direct-io has the sectors of the disk below it. */
	if (r == 0 && request.direct && ioctl(device, BLKSSZGET, &sector) == 0 && sector > 0)
		r = check_aligned(spec, data, (unsigned int)sector);
	if (r == 0)
		r = loop_record(build->journal, node, device, image);
	return r < 0 ? r : block_mount_device(&blockfs, &device, node);
}

/* Mount the file itself. Returns the mount's fd or -errno (not logged, as a loop device may work). */
static int mount_file(const struct spec *spec, int image, const struct loop_data *data)
{
	const struct block_mount blockfs = blockfs_of(spec, data, image, false);
	char source[32];

	(void)snprintf(source, sizeof(source), "/proc/self/fd/%d", image);
	return block_mount(&blockfs, source, true);
}

/*
 * Check the locked image once more: before it was locked, another process could change or replace it. Its area and file
 * system type must be the planned ones. Returns 0 or -errno (logged).
 */
static int check_locked(const struct spec *spec, int image, const struct loop_data *data)
{
	struct image_area area = { 0 };
	_cleanup_free_ char *reason = NULL;
	unsigned int partition = 0;
	int r = parse_area(spec, &partition, &area);

	if (r < 0)
		return r;
	r = image_probe(image, partition, data->area.fstype, &area, &reason);
	if (r < 0)
		return spec_refuse(spec, r, "image '%s' was changed while it was being mounted: it %s",
				   spec->sources[0], reason);
	if (area.offset == data->area.offset && area.size == data->area.size)
		return 0;
	return spec_refuse(spec, -EAGAIN, "image '%s' was changed while it was being mounted; try again",
			   spec->sources[0]);
}

static int loop_build(const struct step *step, struct build *build)
{
	const struct spec *spec = step->spec;
	const struct loop_data *data = step->data;
	_cleanup_close_ int found = -EBADF, image = -EBADF, mount = -EBADF;
	bool shared = false, used;
	int r;

	found = open_image(spec, &build->stage, build->plan->dirfd);
	if (found < 0)
		return found;
	r = image_users_refuse(spec, found, spec->sources[0], data->readonly, build->wait_ms);
	if (r < 0)
		return r;
	used = image_users_has_readers(found);
	/* For direct-io, the open file description that the device holds must have O_DIRECT. */
	image = path_reopen(found,
			    (data->readonly ? O_RDONLY : O_RDWR) | (spec_option(spec, "direct-io") ? O_DIRECT : 0));
	if (image == -EINVAL)
		return spec_refuse(spec, -EOPNOTSUPP, "the file system of '%s' cannot do direct-io", spec->sources[0]);
	if (image < 0)
		return log_errno(image, "%s: open image '%s' for %s", spec->where, spec->sources[0],
				 data->readonly ? "reading" : "writing (add ,ro to only read it)");
	r = uses_claim_image(spec, build->journal, image, spec->sources[0], data->readonly, false, build->wait_ms,
			     &shared);
	if (r == 0)
		r = check_locked(spec, found, data);
	if (r < 0)
		return r;
	mount = data->file_backed ? mount_file(spec, image, data) : mount;
	if (mount < 0)
		mount = mount_device(spec, build, image, data, shared, used);
	return mount < 0 ? mount : build_add_root(build, &mount, NULL);
}

/* Give the copy of an xfs or btrfs a UUID of its own, or warn: some kernels refuse duplicates. Returns 0 or -errno. */
static int renew_uuid(const struct spec *spec, int dirfd)
{
	const char *const xfs[] = { "xfs_admin", "-U", "generate", NULL, NULL };
	const char *const btrfs[] = { "btrfstune", "-f", "-m", NULL, NULL };
	struct loop_data data = { 0 };
	struct loop_request request = { .name = spec->sources[0] };
	_cleanup_close_ int found = open_image(spec, NULL, dirfd), image = -EBADF, device = -EBADF;
	_cleanup_free_ char *reason = NULL, *node = NULL;
	const char *argv[ARRAY_SIZE(xfs)];
	unsigned int partition = 0;
	int r = found < 0 ? found : parse_area(spec, &partition, &data.area);

	if (r < 0 || image_probe(found, partition, NULL, &data.area, &reason) < 0)
		return r;
	if (strcmp(data.area.fstype, "xfs") != 0 && strcmp(data.area.fstype, "btrfs") != 0)
		return 0;
	request.offset = data.area.offset;
	request.size = data.area.size;
	image = path_reopen(found, O_RDWR);
	if (image < 0)
		return log_errno(image, "%s: open the copy of '%s'", spec->where, spec->sources[0]);
	device = loop_attach(spec, image, &request);
	r = device < 0 ? device : loop_node(spec, device, &request, &node);
	if (r < 0)
		return r;
	memcpy(argv, strcmp(data.area.fstype, "xfs") == 0 ? xfs : btrfs, sizeof(argv));
	argv[3] = node;
	r = server_call(argv);
	if (r != 0)
		log_warn("%s: the copy of '%s' keeps its UUID: %s %s", spec->where, spec->sources[0], argv[0],
			 r == -ENOENT ? "is not installed" : "failed");
	return 0;
}

static int loop_clone(const struct spec *spec, struct clone *clone)
{
	int r = clone_source(clone, spec, spec->sources[0]);

	return r < 0 || clone->dry || *spec->sources[0] == '/' ? r : renew_uuid(spec, clone->to);
}

static const struct bdev_option loop_options[] = {
	{ "fstype", "TYPE", "accept only this file system (the superblock tells the type in any case)" },
	{ "offset", "BYTES", "offset of the file system in the image" },
	{ "sizelimit", "BYTES", "size of the file system" },
	{ "direct-io", NULL, "bypass the page cache of the image's file system; an error if that does not support it" },
	{ "discard", NULL, "free the blocks of deleted files in the image at once" },
	{ NULL, NULL, NULL },
};

const struct bdev_type bdev_loop = {
	.name = "loop",
	.source = "IMAGE[:PARTITION]",
	.summary = "a file system image in a file: ext2-4, xfs, btrfs, squashfs, erofs",
	.undo = "the kernel, on last close (autoclear)",
	.options = loop_options,
	.clone = loop_clone,
	.for_writers = { "discard" },
	.plan = loop_plan,
	.build = loop_build,
};
