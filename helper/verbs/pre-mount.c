/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * pre-mount - attach the pinned stack on the rootfs path.
 *
 * LXC runs this in the container's new mount namespace, a copy of the
 * monitor's, so the pin is there. What is attached here dies with that
 * namespace. Not done in pre-start, because LXC makes a file in a root that
 * it finds mounted: a full file system could not be started any more.
 */
#include "../core/mount.h"
#include "hook.h"

#include <fcntl.h>
#include <sys/stat.h>

/* The same file system at both, and a mount on the target: nothing else has come between. */
static int verify(int stack, const char *path)
{
	_cleanup_close_ int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct mount_id id;
	struct stat a, b;

	if (fd < 0 || mount_identify(fd, &id) < 0 || fstat(fd, &a) < 0 || fstat(stack, &b) < 0)
		return log_errno(-errno, "look at '%s'", path);
	if (!id.root || a.st_dev != b.st_dev || a.st_ino != b.st_ino)
		return log_refuse(-EIO, "the kernel did not attach the stack on '%s'", path);
	return 0;
}

static int attach(const char *pin, const struct rootfs *rootfs)
{
	_cleanup_close_ int source = open(pin, O_PATH | O_DIRECTORY | O_CLOEXEC), stack = -EBADF, target = -EBADF;
	struct mount_id id;
	int r;

	if (source < 0 || mount_identify(source, &id) < 0)
		return log_errno(-errno, "open '%s'", pin);
	if (!id.root)
		return log_refuse(-ENOENT, "no stack on '%s': the pre-start hook did not run, or not in this monitor",
				  pin);
	stack = mount_clone(source, true);
	if (stack < 0)
		return log_errno(stack, "clone the mount '%s'", pin);
	if (rootfs->overlay) {
		r = mount_set_readonly(stack, true, NULL);
		if (r < 0)
			return log_errno(r, "make the stack read-only below LXC's overlay");
	}
	target = open(rootfs->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (target < 0)
		return log_errno(-errno, "open lxc.rootfs.path '%s'", rootfs->path);
	r = mount_attach(stack, target);
	return r < 0 ? log_errno(r, "attach the stack on '%s'", rootfs->path) : verify(stack, rootfs->path);
}

/*
 * With lxc.idmap this runs in the container's user namespace, where the owner of RUN_DIR is nobody and the container's
 * directory may not be searched. Pre-start, which had the privileges, has attached the stack then.
 */
static bool in_user_namespace(void)
{
	struct stat st;

	return stat(RUN_DIR, &st) == 0 && st.st_uid != geteuid();
}

static int run(const struct args *args)
{
	struct journal journal = { .dirfd = -EBADF, .fd = -EBADF };
	struct container container;
	struct rootfs rootfs = { 0 };
	const char *at;
	int r;

	if (in_user_namespace())
		return 0;
	r = hook_container(args, "pre-mount", &container);
	if (r == 0)
		r = container_journal(&container, false, &journal);
	if (r == -ENOENT) {
		/* No journal: pre-start saw no bdev.rootfs. */
		r = 0;
	} else if (r == 0 && !(at = journal_get(&journal, "at", 0))) {
		r = log_refuse(-ENOENT, "'%s': no stack is ready; the pre-start hook did not run", container.name);
	} else if (r == 0 && !args->rootfs) {
		r = log_refuse(EXIT_USAGE, "needs --rootfs; bdev.conf has the right lines");
	} else if (r == 0) {
		r = rootfs_parse(args->rootfs, &rootfs);
		/* With lxc.idmap, pre-start has attached it there already. */
		if (r == 0 && strcmp(at, rootfs.path) != 0)
			r = attach(at, &rootfs);
	}
	free(rootfs.path);
	journal_close(&journal);
	container_clear(&container);
	return r;
}

const struct verb verb_pre_mount = {
	.name = "pre-mount",
	.options = "nfR",
	.max = -1,
	.run = run,
};
