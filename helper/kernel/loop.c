/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * loop - bind a file to a block device.
 *
 * LOOP_CONFIGURE binds the file with LO_FLAGS_AUTOCLEAR in one step: the
 * kernel unbinds the device on its last close, ours or the last umount's.
 * Nothing outlives the mount, so there is nothing to undo.
 */
#include "loop.h"
#include "../base/cleanup.h"
#include "../base/log.h"
#include "../base/path.h"
#include "../base/process.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <linux/loop.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

/* LOOP_CTL_GET_FREE reserves nothing, so another process may bind the device first; each lost try is its success. */
#define TRIES 1024
#define TAG   "lxc-bdev:" /* our devices, in lo_file_name */

#ifndef BLKGETDISKSEQ
#define BLKGETDISKSEQ _IOR(0x12, 128, __u64)
#endif

static int refuse_direct(const struct spec *spec, const struct loop_request *request)
{
	return spec_refuse(spec, -EOPNOTSUPP, "the file system of '%s' cannot do direct-io", request->name);
}

/* Test whether the device is bound to this area of this file in the way of readers. */
static bool same_device(int device, int file, const struct loop_request *request)
{
	struct loop_info64 info = { 0 };
	struct stat st;

	return fstat(file, &st) == 0 && ioctl(device, LOOP_GET_STATUS64, &info) == 0 && info.lo_device == st.st_dev &&
	       info.lo_inode == st.st_ino && info.lo_offset == request->offset && info.lo_sizelimit == request->size &&
	       (info.lo_flags & LO_FLAGS_READ_ONLY) && (info.lo_flags & LO_FLAGS_AUTOCLEAR) &&
	       strncmp((char *)info.lo_file_name, TAG, strlen(TAG)) == 0;
}

int loop_find_shared(int file, const struct loop_request *request)
{
	DIR *dir = opendir("/sys/block");
	struct dirent *entry;
	int found = -ENOENT;

	/* A device that cannot be examined is not shared: a second device does the same. */
	while (dir && found < 0 && (entry = readdir(dir))) {
		_cleanup_close_ int device = -EBADF;
		_cleanup_free_ char *node = NULL;

		if (strncmp(entry->d_name, "loop", 4) != 0)
			continue;
		node = xasprintf("/dev/%s", entry->d_name);
		device = open(node, O_RDONLY | O_CLOEXEC);
		if (device >= 0 && same_device(device, file, request))
			found = TAKE_FD(device);
	}
	if (dir)
		(void)closedir(dir);
	return found;
}

/*
 * Compare our file with the name in sysfs of the file of a device whose node cannot be opened, as in a container that
 * has only some nodes. They differ if our file has only one name and sysfs has another. Returns 0: they differ; or
 * -errno: they may be the same.
 */
static int compare_name(const char *sysfs, int file, const struct stat *st, int error)
{
	_cleanup_free_ char *attribute = xasprintf("%s/backing_file", sysfs), *ours = path_of(file);
	_cleanup_close_ int fd = open(attribute, O_RDONLY | O_CLOEXEC);
	char theirs[PATH_MAX] = "";
	ssize_t n = fd < 0 ? -1 : read(fd, theirs, sizeof(theirs) - 1);

	if (n < 0)
		return access(sysfs, F_OK) < 0 && errno == ENOENT ? 0 : error; /* unbound by now */
	theirs[strcspn(theirs, "\n")] = '\0';
	return st->st_nlink == 1 && *theirs && strcmp(basename(theirs), basename(ours)) != 0 ? 0 : error;
}

/* Test whether the bound device is not ours and has the file. Returns 1, 0 or -errno. */
static int is_foreign(const char *name, int file, bool writers)
{
	_cleanup_free_ char *sysfs = xasprintf("/sys/block/%s/loop", name), *node = xasprintf("/dev/%s", name);
	_cleanup_close_ int device = -EBADF;
	struct loop_info64 info = { 0 };
	struct stat st;

	if (access(sysfs, F_OK) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (fstat(file, &st) < 0)
		return -errno;
	device = open(node, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (device < 0 || ioctl(device, LOOP_GET_STATUS64, &info) < 0)
		return errno == ENXIO ? 0 : compare_name(sysfs, file, &st, -errno); /* ENXIO: unbound by now */
	return info.lo_device == st.st_dev && info.lo_inode == st.st_ino &&
	       !(writers && (info.lo_flags & LO_FLAGS_READ_ONLY)) &&
	       strncmp((char *)info.lo_file_name, TAG, strlen(TAG)) != 0;
}

int loop_find_foreign(int file, bool writers, char **ret_node)
{
	DIR *dir = opendir("/sys/block");
	struct dirent *entry;
	int r = 0;

	if (!dir)
		return -errno;
	while (r == 0 && (errno = 0, entry = readdir(dir))) {
		if (strncmp(entry->d_name, "loop", 4) != 0)
			continue;
		r = is_foreign(entry->d_name, file, writers);
		if (r != 0)
			*ret_node = xasprintf("/dev/%s", entry->d_name);
	}
	if (r == 0 && errno)
		r = -errno;
	(void)closedir(dir);
	return r;
}

/* Bind this open device. Returns 0; -EBUSY: another process was faster; or -errno (logged). */
static int configure(const struct spec *spec, int file, const struct loop_request *request, int device,
		     const char *node)
{
	struct loop_config config = {
		.fd = (unsigned int)file,
		.info.lo_offset = request->offset,
		.info.lo_sizelimit = request->size,
		.info.lo_flags = LO_FLAGS_AUTOCLEAR | (request->readonly ? LO_FLAGS_READ_ONLY : 0) |
				 (request->direct ? LO_FLAGS_DIRECT_IO : 0),
	};

	(void)snprintf((char *)config.info.lo_file_name, LO_NAME_SIZE, TAG "%s", request->name);
	if (ioctl(device, LOOP_CONFIGURE, &config) == 0)
		return 0;
	if (errno == EBUSY)
		return -EBUSY;
	if (request->direct && errno == EINVAL)
		return refuse_direct(spec, request);
	return log_errno(-errno, "%s: bind '%s' to '%s'", spec->where, request->name, node);
}

static int refuse_without_node(const struct spec *spec, int nr)
{
	return spec_refuse(spec, -EOPNOTSUPP,
			   "the next free loop device has no node in /dev: make it with mknod /dev/loop%d b 7 %d", nr,
			   nr);
}

static int refuse_without_control(const struct spec *spec, int r)
{
	if (r == -ENOENT)
		return spec_refuse(spec, -EOPNOTSUPP,
				   "this kernel has no loop devices: '/dev/loop-control' is missing; load the module "
				   "loop, or in a container allow that device (c 10:237)");
	return spec_refuse(spec, -EOPNOTSUPP, "open '/dev/loop-control': %s", strerror(-r));
}

/* Find the device that LOOP_CTL_GET_FREE would return. Returns its number; -ENOENT: a new one; or -errno. */
static int next_free(void)
{
	DIR *dir = opendir("/sys/block");
	struct dirent *entry;
	int r = -ENOENT, nr;

	if (!dir)
		return -errno;
	while ((errno = 0, entry = readdir(dir))) {
		_cleanup_free_ char *bound = xasprintf("/sys/block/%s/loop", entry->d_name);

		if (sscanf(entry->d_name, "loop%d", &nr) == 1 && access(bound, F_OK) < 0 && (r < 0 || nr < r))
			r = nr;
	}
	if (errno)
		r = -errno;
	(void)closedir(dir);
	return r;
}

int loop_foresee(const struct spec *spec)
{
	_cleanup_free_ char *node = NULL;
	int nr;

	if (access("/dev/loop-control", F_OK) < 0)
		return refuse_without_control(spec, -errno);
	nr = next_free();
	if (nr < 0)
		return nr == -ENOENT ? 0 : log_errno(nr, "%s: look for a free loop device in /sys/block", spec->where);
	node = xasprintf("/dev/loop%d", nr);
	if (access(node, F_OK) == 0)
		return 0;
	return errno == ENOENT ? refuse_without_node(spec, nr)
			       : log_errno(-errno, "%s: look for '%s'", spec->where, node);
}

/* Try loop_attach() once. Returns as it does, and -EBUSY when another process was faster. */
static int try_attach(const struct spec *spec, int file, const struct loop_request *request, int control)
{
	_cleanup_close_ int device = -EBADF;
	_cleanup_free_ char *node = NULL;
	int r, nr = ioctl(control, LOOP_CTL_GET_FREE);

	if (nr < 0)
		return log_errno(-errno, "%s: find a free loop device", spec->where);
	node = xasprintf("/dev/loop%d", nr);
	device = open(node, (request->readonly ? O_RDONLY : O_RDWR) | O_CLOEXEC);
	if (device < 0 && errno == ENOENT)
		return refuse_without_node(spec, nr);
	if (device < 0)
		return errno == ENXIO || errno == ENODEV || errno == EBUSY
			       ? -EBUSY
			       : log_errno(-errno, "%s: open '%s'", spec->where, node);
	r = configure(spec, file, request, device, node);
	return r < 0 ? r : TAKE_FD(device);
}

int loop_attach(const struct spec *spec, int file, const struct loop_request *request)
{
	_cleanup_close_ int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);

	if (control < 0)
		return refuse_without_control(spec, -errno);
	for (int i = 0; i < TRIES; i++) {
		int device = try_attach(spec, file, request, control);

		if (device != -EBUSY)
			return device;
		if (i > 16)
			process_sleep(1 + i % 7);
	}
	return log_errno(-EBUSY, "%s: bind '%s': lost %d races for a loop device", spec->where, request->name, TRIES);
}

int loop_node(const struct spec *spec, int device, const struct loop_request *request, char **ret_node)
{
	struct loop_info64 info = { 0 };

	if (ioctl(device, LOOP_GET_STATUS64, &info) < 0)
		return log_errno(-errno, "%s: read the loop device's status", spec->where);
	if (request->direct && !(info.lo_flags & LO_FLAGS_DIRECT_IO))
		return refuse_direct(spec, request);
	*ret_node = xasprintf("/dev/loop%u", info.lo_number);
	return 0;
}

unsigned long long loop_diskseq(int device)
{
	unsigned long long diskseq = 0;

	return ioctl(device, BLKGETDISKSEQ, &diskseq) == 0 ? diskseq : 0;
}

int loop_number(int device)
{
	struct loop_info64 info = { 0 };

	return ioctl(device, LOOP_GET_STATUS64, &info) < 0 ? -errno : (int)info.lo_number;
}

int loop_is_bound(int nr, unsigned long long diskseq)
{
	_cleanup_free_ char *bound = xasprintf("/sys/block/loop%d/loop", nr);
	_cleanup_free_ char *path = xasprintf("/sys/block/loop%d/diskseq", nr);
	unsigned long long now = diskseq;
	FILE *f = fopen(path, "re");

	/* Linux before 5.15 has no diskseq: then the file of the device does not matter. */
	if (!f && errno != ENOENT)
		return -errno;
	if (f) {
		if (fscanf(f, "%llu", &now) != 1)
			now = diskseq;
		(void)fclose(f);
	}
	if (access(bound, F_OK) < 0)
		return errno == ENOENT ? 0 : -errno;
	return !diskseq || now == diskseq;
}
