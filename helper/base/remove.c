/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * remove - remove a directory tree.
 */
#include "remove.h"
#include "cleanup.h"
#include "walk.h"

#include <fcntl.h>

struct removal {
	struct walk walk;
	void (*before)(int dirfd, const char *name);
};

static int remove_entry(struct walk *walk, const struct dirent64 *entry)
{
	const struct removal *removal = walk->arg;

	if (entry->d_type == DT_DIR) {
		walk_later(walk, entry->d_name);
		return 0;
	}
	if (removal->before)
		removal->before(walk->fd, entry->d_name);
	if (unlinkat(walk->fd, entry->d_name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR)
		return -errno;
	walk_later(walk, entry->d_name);
	return 0;
}

static int enter(struct walk *walk)
{
	return walk_entries(walk, remove_entry);
}

/* Remove an empty directory from the directory in which it was found, and not from one that it was moved to. */
static int leave(struct walk *walk)
{
	if (!walk->here->parent)
		return 0;
	return unlinkat(walk->up, walk->here->name, AT_REMOVEDIR) == 0 || errno == ENOENT ? 0 : -errno;
}

int remove_tree(int parent, const char *name, void (*before)(int dirfd, const char *name))
{
	_cleanup_free_ struct removal *removal = xcalloc(1, sizeof(*removal));
	_cleanup_close_ int top = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int r;

	if (top < 0)
		return errno == ENOENT ? 0 : -errno;
	removal->before = before;
	removal->walk = (struct walk){ .enter = enter, .leave = leave, .arg = removal };
	r = walk_tree(&removal->walk, top);
	if (r < 0)
		return r;
	return unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT ? 0 : -errno;
}
