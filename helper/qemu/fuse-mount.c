/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fuse-mount - mount a FUSE file system that is a single file; fuse-server.c serves it.
 */
#include "fuse-mount.h"
#include "../base/cleanup.h"
#include "../kernel/mount.h"

#include <fcntl.h>

int fuse_mount(bool readonly, int *ret_fuse)
{
	_cleanup_close_ int fuse = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	char text[16];
	struct fs fs;
	int r;

	if (fuse < 0)
		return -errno;
	(void)snprintf(text, sizeof(text), "%d", fuse);
	r = fs_open(&fs, "fuse");
	if (r == 0)
		r = fs_set(&fs, "source", "lxc-bdev");
	if (r == 0)
		r = fs_set(&fs, "fd", text);
	if (r == 0)
		r = fs_set(&fs, "rootmode", "100600");
	if (r == 0)
		r = fs_set(&fs, "user_id", "0");
	if (r == 0)
		r = fs_set(&fs, "group_id", "0");
	if (r == 0)
		r = fs_mount(&fs, readonly);
	fs_close(&fs);
	if (r >= 0)
		*ret_fuse = TAKE_FD(fuse);
	return r;
}
