/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * direct - what `lxc-bdev mount loop:IMAGE,ro tmpfs:. overlay:upper TARGET`
 * must cost at least: the system calls that such a stack needs (Linux 6.15),
 * with nothing checked, locked or recorded.
 *
 *   direct IMAGE TARGET
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/loop.h>
#include <linux/mount.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int must(long r, const char *what)
{
	if (r >= 0)
		return (int)r;
	perror(what);
	exit(1);
}

static int fs_new(const char *type)
{
	return must(syscall(SYS_fsopen, type, FSOPEN_CLOEXEC), "fsopen");
}

static void fs_config(int fs, unsigned int command, const char *key, const char *value, int aux)
{
	must(syscall(SYS_fsconfig, fs, command, key, value, aux), "fsconfig");
}

static int fs_finish(int fs, unsigned int attributes)
{
	fs_config(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
	return must(syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, attributes), "fsmount");
}

static int mount_image(const char *path)
{
	struct loop_config config = { .info.lo_flags = LO_FLAGS_READ_ONLY | LO_FLAGS_AUTOCLEAR };
	int control = must(open("/dev/loop-control", O_RDWR | O_CLOEXEC), "/dev/loop-control");
	char node[32];
	int device, fs;

	config.fd = (unsigned int)must(open(path, O_RDONLY | O_CLOEXEC), path);
	snprintf(node, sizeof(node), "/dev/loop%d", must(ioctl(control, LOOP_CTL_GET_FREE), "LOOP_CTL_GET_FREE"));
	device = must(open(node, O_RDONLY | O_CLOEXEC), node);
	must(ioctl(device, LOOP_CONFIGURE, &config), "LOOP_CONFIGURE");
	fs = fs_new("ext4");
	fs_config(fs, FSCONFIG_SET_STRING, "source", node, 0);
	fs_config(fs, FSCONFIG_SET_FLAG, "ro", NULL, 0);
	return fs_finish(fs, MOUNT_ATTR_RDONLY);
}

static int mount_tmpfs(void)
{
	int fs = fs_new("tmpfs");

	fs_config(fs, FSCONFIG_SET_STRING, "size", "16m", 0);
	return fs_finish(fs, 0);
}

static int make_dir(int at, const char *name)
{
	must(mkdirat(at, name, 0755), name);
	return must(openat(at, name, O_PATH | O_DIRECTORY | O_CLOEXEC), name);
}

int main(int argc, char **argv)
{
	int lower, upper, fs, mount;

	if (argc != 3)
		return fprintf(stderr, "usage: direct IMAGE TARGET\n"), 2;
	lower = mount_image(argv[1]);
	upper = mount_tmpfs();
	fs = fs_new("overlay");
	fs_config(fs, FSCONFIG_SET_FD, "lowerdir+", NULL, lower);
	fs_config(fs, FSCONFIG_SET_FD, "upperdir", NULL, make_dir(upper, "upper"));
	fs_config(fs, FSCONFIG_SET_FD, "workdir", NULL, make_dir(upper, "work"));
	mount = fs_finish(fs, 0);
	must(syscall(SYS_move_mount, mount, "", AT_FDCWD, argv[2], MOVE_MOUNT_F_EMPTY_PATH), "move_mount");
	return 0;
}
