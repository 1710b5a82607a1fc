/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* directory-users - find the user of a directory in the journals, the mounts of the host and the kernel. */
#include "directory-users.h"
#include "../base/cleanup.h"
#include "../base/path.h"
#include "../kernel/overlay.h"
#include "../record/uses.h"
#include "aufs-users.h"
#include "directory-mounts.h"

#include <fcntl.h>

/* Find the user of a directory in the journals. Returns the same as uses_directory(). */
static int find_recorded(const char *inode, const char *path, char **ret_user)
{
	const struct claim claim = {
		.object = CLAIM_DIRECTORY, .mode = CLAIM_READ | CLAIM_WRITE, .id = inode, .path = path
	};
	struct use found;
	int r = uses_find(&claim, true, NULL, &found);

	if (r < 0)
		*ret_user = xasprintf("by an unknown user: %s", found.user);
	if (r > 0)
		*ret_user = xasprintf("%sby %s; %s it first", found.mode == CLAIM_READ ? "as a lower " : "", found.user,
				      found.container ? "stop" : "unmount");
	free(found.user);
	return r;
}

int uses_directory(int dir, char **ret_user)
{
	_cleanup_free_ char *inode = path_inode(dir), *path = path_of(dir);
	_cleanup_close_ int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int r;

	*ret_user = NULL;
	r = find_recorded(inode, path, ret_user) ?: directory_mounts_find(dir, path, ret_user);
	if (r)
		return r;
	r = overlayfs_in_use(dir, root);
	if (r) {
		*ret_user =
			r > 0 ? xstrdup("by another mount; unmount that first")
			      : xasprintf(
					"by an unknown user: cannot ask the kernel whether it is an overlay's upper: %s",
					strerror(-r));
		return r;
	}
	r = aufs_uses(dir, false, ret_user); /* its text also says what is unknown */
	return r;
}
