/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * loop - a file system image in a regular file.
 *
 * LOOP_CONFIGURE binds the image with LO_FLAGS_AUTOCLEAR in one step: the
 * kernel unbinds the device on its last close, ours or the last umount's.
 * Nothing outlives the mount, so there is nothing to undo. The device keeps
 * our open file description of the image, and with it our locks.
 *
 * Readers of one image share one device and so one superblock: it saves
 * memory, and btrfs accepts one image under two devices only as a clash.
 * EROFS is mounted from the file itself where the kernel can (6.12).
 */
#include "bdev.h"
#include "../core/image.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/loop.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

/* GET_FREE reserves nothing: another process may bind the device first. Each try loses to a process that won. */
#define TRIES 1024
#define TAG   "lxc-bdev:" /* our devices, in lo_file_name */

#ifndef BLKGETDISKSEQ
#define BLKGETDISKSEQ _IOR(0x12, 128, __u64)
#endif

struct loop_data {
	struct image_area area;
	bool readonly;
	bool file_backed; /* mount the file itself where the kernel can */
};

static int parse_partition(const struct spec *spec, unsigned int *ret)
{
	unsigned long n;
	char *end;

	if (spec->nsources == 1)
		return 0;
	n = strtoul(spec->sources[1], &end, 10);
	if (spec->nsources > 2 || *end || n < 1 || n > 9999 || *spec->sources[1] < '0' || *spec->sources[1] > '9')
		return spec_refuse(spec, -EINVAL,
				   "what follows the image's ':' is a partition number; write ':' in a path as '\\:'");
	if (spec_option(spec, "offset") || spec_option(spec, "sizelimit"))
		return spec_refuse(spec, -EINVAL, "offset= and sizelimit= contradict partition %lu", n);
	*ret = (unsigned int)n;
	return 0;
}

/* The image, open for reading only, as a regular file (never blocking on a fifo). fd or -errno (logged). */
static int open_image(const struct spec *spec, const struct stage *stage, int dirfd)
{
	const char *path = spec->sources[0];
	int flags = O_RDONLY | O_NONBLOCK | O_NOCTTY;
	_cleanup_close_ int fd = -EBADF;
	struct stat st;

	/* The device keeps the file with its mount: not the stage's, or umount and losetup would not know them. */
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
		return spec_refuse(spec, -EINVAL, "discard needs a file system that is mounted writable");
	if (spec_option(spec, "discard") && strcmp(data->area.fstype, "ext2") == 0)
		return spec_refuse(spec, -EINVAL, "ext2 knows no discard");
	return 0;
}

static int loop_plan(const struct spec *spec, struct plan *plan)
{
	const struct spec_option *fstype = spec_option(spec, "fstype");
	_cleanup_free_ struct loop_data *data = xcalloc(1, sizeof(*data));
	_cleanup_free_ char *reason = NULL, *part = NULL;
	_cleanup_close_ int fd = -EBADF;
	unsigned int partition = 0;
	int r;

	r = parse_partition(spec, &partition);
	if (r == 0)
		r = spec_bytes(spec, "offset", &data->area.offset);
	if (r == 0)
		r = spec_bytes(spec, "sizelimit", &data->area.size);
	if (r == 0 && (data->area.offset % 512 || data->area.size % 512))
		r = spec_refuse(spec, -EINVAL, "offset= and sizelimit= must be multiples of 512");
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
	if (!data->readonly && mount_is_readonly(fd) == 1)
		return spec_refuse(spec, -EROFS, "image '%s' lies on a read-only file system; add ,ro",
				   spec->sources[0]);
	r = check_options(spec, data);
	if (r < 0)
		return r;

	data->file_backed &= strcmp(data->area.fstype, "erofs") == 0;
	part = partition ? xasprintf(" partition %u", partition) : xstrdup("");
	plan_add_root(plan, spec, data->file_backed ? bdev_depth(fd) + 1 : 0, !data->readonly);
	if (!data->readonly)
		plan_add_writer(plan, spec); /* also below an overlay: attached for writing */
	plan_step(plan, spec, data, "mount '%s'%s, %s, %s, %s", spec->sources[0], part, data->area.fstype,
		  data->readonly ? "read-only" : "read-write",
		  data->file_backed ? "from the file itself" : "through a loop device");
	if (data->file_backed)
		plan->steps[plan->nsteps - 1].undo = "the kernel, with the mount";
	(void)TAKE_PTR(data); /* the plan's now */
	return 0;
}

/* Lock the image, or say who has it. */
static int lock_image(const struct spec *spec, struct build *build, int image, const struct loop_data *data,
		      bool *ret_shared)
{
	_cleanup_free_ char *inode = path_inode(image), *path = path_of(image), *holder = NULL;
	int r;

	r = journal_add(build->journal, "image", inode, path, data->readonly ? "ro" : "rw", NULL);
	if (r < 0)
		return r;
	r = image_lock(image, data->readonly, build->wait_ms, ret_shared);
	if (r == 0)
		return 0;
	if (r == -EBUSY)
		return spec_refuse(spec, r, "image '%s' is in use by QEMU or one of its tools", spec->sources[0]);
	if (r != -EWOULDBLOCK)
		return log_errno(r, "%s: lock image '%s'", spec->where, spec->sources[0]);
	holder = journal_find_holder("image", inode, build->journal->dir);
	return spec_refuse(spec, -EBUSY, "image '%s' is in use%s by %s; %s", spec->sources[0],
			   data->readonly ? " for writing" : "", holder ?: "another process",
			   data->readonly ? "a writer shares with nobody" : "only readers (,ro) can share it");
}

/* The device is still bound to this area of this image, as we bind them. */
static bool same_device(int device, int image, const struct loop_data *data)
{
	struct loop_info64 info = { 0 };
	struct stat st;

	return fstat(image, &st) == 0 && ioctl(device, LOOP_GET_STATUS64, &info) == 0 && info.lo_device == st.st_dev &&
	       info.lo_inode == st.st_ino && info.lo_offset == data->area.offset &&
	       info.lo_sizelimit == data->area.size && (info.lo_flags & LO_FLAGS_READ_ONLY) &&
	       (info.lo_flags & LO_FLAGS_AUTOCLEAR) && strncmp((char *)info.lo_file_name, TAG, strlen(TAG)) == 0;
}

/*
 * Another reader's device for the same area, opened: from then on it stays bound. fd, or -ENOENT.
 * Only asked when the image's lock says that there is another reader.
 */
static int find_shared(int image, const struct loop_data *data)
{
	DIR *dir = opendir("/sys/block");
	struct dirent *entry;
	int found = -ENOENT;

	while (dir && found < 0 && (entry = readdir(dir))) {
		_cleanup_close_ int device = -EBADF;
		_cleanup_free_ char *node = NULL;

		if (strncmp(entry->d_name, "loop", 4) != 0)
			continue;
		node = xasprintf("/dev/%s", entry->d_name);
		device = open(node, O_RDONLY | O_CLOEXEC);
		if (device >= 0 && same_device(device, image, data))
			found = TAKE_FD(device);
	}
	if (dir)
		(void)closedir(dir);
	return found;
}

static int configure(const struct spec *spec, int image, const struct loop_data *data, int control)
{
	bool direct = spec_option(spec, "direct-io");
	struct loop_config config = {
		.fd = (unsigned int)image,
		.info.lo_offset = data->area.offset,
		.info.lo_sizelimit = data->area.size,
		.info.lo_flags = LO_FLAGS_AUTOCLEAR | (data->readonly ? LO_FLAGS_READ_ONLY : 0) |
				 (direct ? LO_FLAGS_DIRECT_IO : 0),
	};
	_cleanup_close_ int device = -EBADF;
	_cleanup_free_ char *node = NULL;
	int nr = ioctl(control, LOOP_CTL_GET_FREE);

	if (nr < 0)
		return log_errno(-errno, "%s: find a free loop device", spec->where);
	node = xasprintf("/dev/loop%d", nr);
	device = open(node, (data->readonly ? O_RDONLY : O_RDWR) | O_CLOEXEC);
	if (device < 0)
		return errno == ENXIO || errno == ENODEV || errno == EBUSY
			       ? -EBUSY
			       : log_errno(-errno, "%s: open '%s'", spec->where, node);
	(void)snprintf((char *)config.info.lo_file_name, LO_NAME_SIZE, TAG "%s", spec->sources[0]);
	if (ioctl(device, LOOP_CONFIGURE, &config) == 0)
		return TAKE_FD(device);
	if (errno == EBUSY)
		return -EBUSY;
	if (direct && errno == EINVAL)
		return spec_refuse(spec, -EOPNOTSUPP, "the file system of '%s' cannot do direct-io", spec->sources[0]);
	return log_errno(-errno, "%s: bind '%s' to '%s'", spec->where, spec->sources[0], node);
}

/* A loop device of the image, open: bound as long as that descriptor or a mount of it. fd or -errno (logged). */
static int attach(const struct spec *spec, int image, const struct loop_data *data)
{
	_cleanup_close_ int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);

	if (control < 0)
		return log_refuse(-EOPNOTSUPP, "%s: this kernel has no loop devices ('/dev/loop-control': %s)",
				  spec->where, strerror(errno));
	for (int i = 0; i < TRIES; i++) {
		int device = configure(spec, image, data, control);

		if (device != -EBUSY)
			return device;
		if (i > 16)
			proc_sleep(1 + i % 7);
	}
	return log_errno(-EBUSY, "%s: bind '%s': lost %d races for a loop device", spec->where, spec->sources[0],
			 TRIES);
}

/* direct-io is promised, so check that it took; *ret_node: the device's name, for the caller to free. */
static int verify(const struct spec *spec, int device, char **ret_node)
{
	struct loop_info64 info = { 0 };

	if (ioctl(device, LOOP_GET_STATUS64, &info) < 0)
		return log_errno(-errno, "%s: read the loop device's status", spec->where);
	if (spec_option(spec, "direct-io") && !(info.lo_flags & LO_FLAGS_DIRECT_IO))
		return spec_refuse(spec, -EOPNOTSUPP, "the file system of '%s' cannot do direct-io", spec->sources[0]);
	*ret_node = xasprintf("/dev/loop%u", info.lo_number);
	return 0;
}

static int record_device(struct build *build, const char *node, int device, int image)
{
	_cleanup_free_ char *inode = path_inode(image), *seq = NULL;
	unsigned long long diskseq = 0;

	(void)ioctl(device, BLKGETDISKSEQ, &diskseq); /* Linux 5.15; 0 is none */
	seq = xasprintf("%llu", diskseq);
	return journal_add(build->journal, "loop", node, seq, inode, NULL);
}

/* What to say beside the errno, where errno alone misleads. */
static const char *mount_hint(int r, const struct loop_data *data)
{
	if (r == -EROFS && data->readonly)
		return "; it was not unmounted cleanly: start it once without ,ro, or run its fsck";
	if (r == -EEXIST && strcmp(data->area.fstype, "btrfs") == 0)
		return "; another copy of this btrfs image is mounted: give one of them a new UUID (btrfstune -u)";
	if (r == -EINVAL || r == -EUCLEAN || r == -EIO)
		return "; the kernel log says why; its fsck may help";
	return "";
}

/* Mount `source` as the area's file system. Mount fd or -errno (logged unless quiet). */
static int mount_source(const struct spec *spec, const char *source, const struct loop_data *data, bool quiet)
{
	const char *fstype = data->area.fstype;
	struct fs fs;
	int r;

	r = fs_open(&fs, fstype);
	if (r < 0)
		return log_refuse(-EOPNOTSUPP, "%s: this kernel has no %s", spec->where, fstype);
	r = fs_set(&fs, "source", source);
	if (r == 0 && data->readonly)
		r = fs_set(&fs, "ro", NULL);
	if (r == 0 && spec_option(spec, "discard"))
		r = fs_set(&fs, "discard", NULL);
	/* Copies of an image share a UUID, which xfs otherwise takes for one disk seen twice. */
	if (r == 0 && strcmp(fstype, "xfs") == 0)
		r = fs_set(&fs, "nouuid", NULL);
	if (r == 0)
		r = fs_mount(&fs, data->readonly);
	if (r < 0 && !quiet)
		log_error("%s: mount '%s' as %s: %s%s%s", spec->where, spec->sources[0], fstype, strerror(-r), fs.error,
			  mount_hint(r, data));
	fs_close(&fs);
	return r;
}

/* Through a loop device. Mount fd or -errno (logged). */
static int mount_device(const struct spec *spec, struct build *build, int image, const struct loop_data *data,
			bool shared)
{
	_cleanup_close_ int device = -EBADF, pinned = -EBADF;
	_cleanup_free_ char *node = NULL;
	int r;

	device = data->readonly && shared ? find_shared(image, data) : -ENOENT;
	if (device < 0)
		device = attach(spec, image, data);
	if (device < 0)
		return device;
	r = verify(spec, device, &node);
	if (r == 0)
		r = record_device(build, node, device, image);
	if (r < 0)
		return r;
	/* A kernel without BLK_DEV_WRITE_MOUNTED mounts no device that is open for writing. */
	pinned = path_reopen(device, O_RDONLY);
	if (pinned < 0)
		return log_errno(pinned, "%s: open '%s'", spec->where, node);
	cleanup_close(&device);
	device = -EBADF;
	return mount_source(spec, node, data, false);
}

static int mount_file(const struct spec *spec, int image, const struct loop_data *data)
{
	char source[32];

	(void)snprintf(source, sizeof(source), "/proc/self/fd/%d", image);
	return mount_source(spec, source, data, true);
}

static int loop_build(const struct step *step, struct build *build)
{
	const struct spec *spec = step->spec;
	const struct loop_data *data = step->data;
	_cleanup_close_ int found = -EBADF, image = -EBADF, mount = -EBADF;
	bool shared = false;
	int r;

	found = open_image(spec, &build->stage, build->plan->dirfd);
	if (found < 0)
		return found;
	/* direct-io: the description that the kernel keeps must have been opened for it. */
	image = path_reopen(found,
			    (data->readonly ? O_RDONLY : O_RDWR) | (spec_option(spec, "direct-io") ? O_DIRECT : 0));
	if (image == -EINVAL)
		return spec_refuse(spec, -EOPNOTSUPP, "the file system of '%s' cannot do direct-io", spec->sources[0]);
	if (image < 0)
		return log_errno(image, "%s: open image '%s' for %s", spec->where, spec->sources[0],
				 data->readonly ? "reading" : "writing (add ,ro to only read it)");
	r = lock_image(spec, build, image, data, &shared);
	if (r < 0)
		return r;
	if (data->file_backed)
		mount = mount_file(spec, image, data);
	if (mount < 0)
		mount = mount_device(spec, build, image, data, shared);
	return mount < 0 ? mount : build_add_root(build, &mount, NULL);
}

static const struct bdev_option loop_options[] = {
	{ "fstype", "TYPE", "accept only this file system (found by its superblock in any case)" },
	{ "offset", "BYTES", "where the file system begins" },
	{ "sizelimit", "BYTES", "how long it is" },
	{ "direct-io", NULL, "bypass the page cache of the image's file system; an error where that cannot be" },
	{ "discard", NULL, "give back the blocks of deleted files to the image at once" },
	{ NULL, NULL, NULL },
};

const struct bdev_type bdev_loop = {
	.name = "loop",
	.source = "IMAGE[:PARTITION]",
	.summary = "a file system image in a file: ext2-4, xfs, btrfs, squashfs, erofs",
	.undo = "the kernel, on last close (autoclear)",
	.options = loop_options,
	.plan = loop_plan,
	.build = loop_build,
};
