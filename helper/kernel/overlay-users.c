/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * overlay-users - whether an overlay uses a directory as its upper or work
 * directory.
 *
 * The kernel marks the inode of such a directory from the mount of its overlay
 * until the end of the file system, which may be long after the last umount.
 * Nothing shows the mark but another mount with index=on, to which it is EBUSY,
 * as upper, work directory or lower.
 */
#include "overlay.h"
#include "aufs-info.h"
#include "../base/cleanup.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* Two empty directories on a detached tmpfs, which ends with the descriptor of its mount. */
struct scratch {
	int mount, upper, work;
};

static void scratch_clear(struct scratch *scratch)
{
	cleanup_close(&scratch->upper);
	cleanup_close(&scratch->work);
	cleanup_close(&scratch->mount);
}

/* Make them. Returns 0 or -errno. */
static int scratch_make(struct scratch *ret)
{
	struct fs fs;
	int r = fs_open(&fs, "tmpfs");

	if (r == 0)
		r = ret->mount = fs_mount(&fs, false);
	fs_close(&fs);
	if (r < 0)
		return r;
	if (mkdirat(ret->mount, "upper", 0700) < 0 || mkdirat(ret->mount, "work", 0700) < 0)
		return -errno;
	ret->upper = openat(ret->mount, "upper", O_PATH | O_DIRECTORY | O_CLOEXEC);
	ret->work = openat(ret->mount, "work", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return ret->upper < 0 || ret->work < 0 ? -errno : 0;
}

/*
 * Test whether the kernel made an index, so that it was on when the kernel checked the lower: once off, it stays off.
 * Returns 1, 0 or -errno.
 */
static int has_index(const struct scratch *scratch)
{
	if (faccessat(scratch->work, "index", F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return 1;
	return errno == ENOENT ? 0 : -errno;
}

/*
 * Mount an overlay with the directory as lower and the scratch directories above it. Returns 1: EBUSY; 0: not in use;
 * -EINVAL: no answer; or another -errno.
 */
static int try_as_lower(int dir, const struct scratch *scratch, bool by_fd)
{
	_cleanup_close_ int mount = -EBADF;
	struct fs fs;
	int r = fs_open(&fs, "overlay");

	if (r == 0)
		r = overlayfs_set_layer(&fs, by_fd ? "lowerdir+" : "lowerdir", dir, by_fd);
	if (r == 0)
		r = overlayfs_set_layer(&fs, "upperdir", scratch->upper, by_fd);
	if (r == 0)
		r = overlayfs_set_layer(&fs, "workdir", scratch->work, by_fd);
	if (r == 0)
		r = overlayfs_set_fixed(&fs, true);
	if (r == 0)
		mount = fs_mount(&fs, true);
	r = r ?: mount;
	fs_close(&fs);
	if (r < 0)
		return r == -EBUSY ? 1 : r;
	r = has_index(scratch);
	return r > 0 ? 0 : r ?: -EINVAL;
}

/* Do the same in a child with a private namespace to attach the layers in, as before Linux 6.15. */
static int try_in_namespace(int mount, const struct scratch *scratch)
{
	_cleanup_close_ int root = -EBADF, lower = -EBADF;
	int r = namespace_new();

	if (r < 0)
		return r;
	root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC); /* an earlier descriptor belongs to the other namespace */
	r = root < 0 ? -errno : mount_attach(scratch->mount, root);
	if (r == 0 && mkdirat(scratch->mount, "lower", 0700) < 0)
		r = -errno;
	if (r == 0)
		r = lower = openat(scratch->mount, "lower", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (r >= 0)
		r = mount_attach(mount, lower);
	return r < 0 ? r : try_as_lower(mount, scratch, false);
}

#define IN_USE 255 /* an exit status; the others are an errno */

/* Ask with the directory as the lower. Returns 1: in use; 0: not; -EINVAL: no answer; or another -errno. */
static int ask_as_lower(int dir)
{
	__attribute__((cleanup(scratch_clear))) struct scratch scratch = { -EBADF, -EBADF, -EBADF };
	_cleanup_close_ int mount = -EBADF;
	int r = scratch_make(&scratch), status;
	pid_t child;

	if (r < 0)
		return r;
	if (!stage_needed())
		return try_as_lower(dir, &scratch, true);
	mount = mount_clone(dir, false);
	if (mount < 0)
		return mount;
	child = fork();
	if (child == 0) {
		r = try_in_namespace(mount, &scratch);
		_exit(r > 0 ? IN_USE : -r);
	}
	while (child > 0 && waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	if (child < 0)
		return -EAGAIN;
	if (!WIFEXITED(status))
		return -EINTR;
	return WEXITSTATUS(status) == IN_USE ? 1 : -WEXITSTATUS(status);
}

/*
 * Ask with the directory as the upper of a mount that cannot succeed. The kernel first checks whether the upper is in
 * use: EBUSY; then the work directory, which is on another mount than the upper: EINVAL, before anything is written.
 * Both add a line to the kernel's log. Returns 1, 0 or -errno.
 */
static int ask_as_upper(int dir, int lower)
{
	_cleanup_close_ int elsewhere = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct fs fs;
	int r = elsewhere < 0 ? -errno : fs_open(&fs, "overlay");

	if (r < 0)
		return r;
	r = overlayfs_set_layer(&fs, "lowerdir", lower, false);
	if (r == 0)
		r = overlayfs_set_layer(&fs, "upperdir", dir, false);
	if (r == 0)
		r = overlayfs_set_layer(&fs, "workdir", elsewhere, false);
	if (r == 0)
		r = fs_set(&fs, "index", "on");
	if (r == 0)
		r = fs_mount(&fs, true);
	fs_close(&fs);
	if (r >= 0) {
		(void)close(r);
		return 0;
	}
	return r == -EBUSY ? 1 : r == -EINVAL ? 0 : r;
}

/*
 * The directory is the lower of a new overlay below scratch directories. If it is free, the overlay mounts, and the
 * kernel's log stays as it was; if it is in use, the kernel gives EBUSY and logs a line. (With index=off it would only
 * warn.) A lower needs no right to write, and two concurrent tests do not disturb each other. This requires a file
 * system with file handles and a UUID: without these the kernel switches the index off, and mounts. Then, and on an
 * aufs, which must not be a layer, the directory is the upper.
 */
int overlayfs_in_use(int dir, int lower)
{
	struct fs fs;
	int r = fs_open(&fs, "overlay");

	fs_close(&fs);
	/* A kernel without overlay has none that could use it. */
	if (r < 0)
		return r == -ENODEV ? 0 : r;
	r = aufs_is(dir) ? -EINVAL : ask_as_lower(dir);
	return r == -EINVAL || r == -EOPNOTSUPP ? ask_as_upper(dir, lower) : r;
}
