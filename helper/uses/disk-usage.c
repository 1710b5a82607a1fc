/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * disk-usage - the number of bytes that a container uses.
 *
 * An upper or a root directory mostly lies on a file system with other writers, so statvfs(3) of it gives the host's
 * usage and not the container's.
 */
#include "disk-usage.h"
#include "../base/cleanup.h"
#include "../base/path.h"
#include "../base/walk.h"
#include "../record-kinds/container.h"
#include "../record-kinds/directory.h"
#include "../record/owner.h"
#include "../record-kinds/step.h"

#include <fcntl.h>
#include <search.h>
#include <string.h>
#include <sys/statvfs.h>

#define WALK_TRIES 3 /* a running container may move a directory during the walk */

/* The sum of a walk. A file of several names counts once. A walk stays on one device. */
struct count {
	unsigned long long bytes;
	void *links; /* tsearch(3) of inode numbers */
	struct walk walk;
};

static int by_inode(const void *a, const void *b)
{
	unsigned long long x = *(const unsigned long long *)a, y = *(const unsigned long long *)b;

	return x < y ? -1 : x > y;
}

/* Test whether another name of the file was counted before. */
static bool is_counted(struct count *count, const struct statx *st)
{
	unsigned long long *inode = xcalloc(1, sizeof(*inode)), **found;

	*inode = st->stx_ino;
	found = must(tsearch(inode, &count->links, by_inode));
	if (*found == inode)
		return false;
	free(inode);
	return true;
}

static int count_entry(struct walk *walk, const struct dirent64 *entry)
{
	struct count *count = walk->arg;
	struct statx st;

	if (statx(walk->fd, entry->d_name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, STATX_BASIC_STATS, &st) < 0)
		return errno == ENOENT ? 0 : -errno; /* it was removed just now */
	if (S_ISDIR(st.stx_mode))
		walk_later(walk, entry->d_name);
	if (S_ISDIR(st.stx_mode) || st.stx_nlink < 2 || !is_counted(count, &st))
		count->bytes += st.stx_blocks * 512;
	return 0;
}

static int count_dir(struct walk *walk)
{
	return walk_entries(walk, count_entry);
}

/* Add up the bytes on disk of all files below the directory. Returns 0 or -errno. */
static int count_tree(int dir, unsigned long long *ret)
{
	_cleanup_free_ struct count *count = xcalloc(1, sizeof(*count));
	int r = -EAGAIN;

	for (int i = 0; r < 0 && i < WALK_TRIES; i++) {
		*count = (struct count){ .walk = { .enter = count_dir, .arg = count } };
		r = walk_tree(&count->walk, dir);
		tdestroy(count->links, free);
	}
	*ret = count->bytes;
	return r;
}

/*
 * Open the host's directory that the last step of the stack writes to. Returns an fd; -ENOENT: the stack writes to a
 * tmpfs, to an image of its own, or to nothing; or another -errno.
 */
static int open_written(const struct journal *journal, int root)
{
	const char *delta = owner_of(journal)->delta, *step = step_last(journal);
	int fd;

	if (*delta) {
		fd = open(delta, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		return fd < 0 ? -errno : fd;
	}
	if (!step || strncmp(step, "tmpfs:", strlen("tmpfs:")) == 0)
		return -ENOENT;
	fd = directory_open_written(journal, journal->step);
	if (fd != -ENOENT)
		return fd;
	return strncmp(step, "dir:", strlen("dir:")) == 0 ? path_reopen(root, O_RDONLY | O_DIRECTORY) : -ENOENT;
}

/*
 * Test whether the stack writes nothing, and its last step has no file system of its own: a directory of the host or a
 * layer.
 */
static bool is_reader(const struct journal *journal)
{
	const char *step = step_last(journal);

	return !container_record_writes(journal) && step &&
	       (strncmp(step, "dir:", strlen("dir:")) == 0 || strncmp(step, "layer:", strlen("layer:")) == 0);
}

int usage_of(const struct journal *journal, int root, struct usage *ret)
{
	_cleanup_close_ int written = is_reader(journal) ? -EBADF : open_written(journal, root);
	struct statvfs st;

	*ret = (struct usage){ 0 };
	if (fstatvfs(written < 0 ? root : written, &st) < 0)
		return -errno;
	ret->size = (unsigned long long)st.f_blocks * st.f_frsize;
	ret->known = written >= 0 ? count_tree(written, &ret->used) == 0 : written == -ENOENT;
	if (written < 0 && ret->known)
		ret->used = ret->size - (unsigned long long)st.f_bfree * st.f_frsize;
	return 0;
}
