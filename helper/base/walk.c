/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * walk - walk through a directory tree, one directory after the other.
 *
 * The entries of a directory come first, then the directories in it, from a
 * stack of our own. Only the current directory is open, however deep it is: the
 * way back is "..", which must still be the same directory.
 */
#include "walk.h"
#include "cleanup.h"

#include <fcntl.h>
#include <sys/sysmacros.h>

#define OPEN_DIR (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NOATIME | O_CLOEXEC)

unsigned long walk_device(const struct statx *st)
{
	return makedev(st->stx_dev_major, st->stx_dev_minor);
}

int walk_look(const struct walk *walk, int fd, struct statx *ret)
{
	if (statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_MNT_ID, ret) < 0)
		return -errno;
	/* On overlay, a file may show another device than its directory. */
	if (ret->stx_mask & STATX_MNT_ID ? ret->stx_mnt_id != walk->top.stx_mnt_id
					 : walk_device(ret) != walk_device(&walk->top))
		return -EXDEV;
	return !S_ISDIR(ret->stx_mode) || walk_device(ret) == walk_device(&walk->top) ? 0 : -EXDEV;
}

static struct walk_dir *dir_new(struct walk_dir *parent, const char *name)
{
	struct walk_dir *dir = xcalloc(1, sizeof(*dir) + strlen(name) + 1);

	(void)memcpy(dir->name, name, strlen(name));
	dir->refs = 1;
	if (parent) {
		dir->parent = walk_dir_ref(parent);
		dir->state = parent->state;
	}
	return dir;
}

struct walk_dir *walk_dir_ref(struct walk_dir *dir)
{
	dir->refs++;
	return dir;
}

void walk_dir_unref(struct walk_dir *dir)
{
	while (dir && --dir->refs == 0) {
		struct walk_dir *parent = dir->parent;

		while (dir->n)
			free(dir->names[--dir->n]);
		free(dir->names);
		free(dir);
		dir = parent;
	}
}

/* The names from the top to dir; how many. For the caller to free. */
static const char **names_to(const struct walk_dir *dir, size_t *ret_n)
{
	const char **names = NULL;

	for (*ret_n = 0; dir->parent; dir = dir->parent)
		*ARRAY_ADD(names, *ret_n) = dir->name;
	return names;
}

int walk_dir_open(const struct walk_dir *dir, int top)
{
	size_t n;
	_cleanup_free_ const char **names = names_to(dir, &n);
	_cleanup_close_ int at = fcntl(top, F_DUPFD_CLOEXEC, 0);

	while (at >= 0 && n-- > 0) {
		int next = openat(at, names[n], O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

		if (next < 0)
			return -errno;
		(void)close(at);
		at = next;
	}
	return at < 0 ? -errno : TAKE_FD(at);
}

char *walk_path(const struct walk *walk, const char *name)
{
	size_t n, size = strlen(name) + 1;
	_cleanup_free_ const char **names = names_to(walk->here, &n);
	char *path, *end;

	for (size_t i = 0; i < n; i++)
		size += strlen(names[i]) + 1;
	end = path = xcalloc(1, size);
	while (n-- > 0) {
		end = stpcpy(end, names[n]);
		if (n || *name)
			*end++ = '/';
	}
	(void)stpcpy(end, name);
	return path;
}

int walk_failed(struct walk *walk, const char *name, int r)
{
	_cleanup_free_ char *path = walk_path(walk, name);

	(void)snprintf(walk->error, sizeof(walk->error), "%s", path);
	return r;
}

int walk_entries(struct walk *walk, int (*entry)(struct walk *walk, const struct dirent64 *entry))
{
	ssize_t n;
	int r;

	while ((n = getdents64(walk->fd, walk->entries, sizeof(walk->entries))) > 0) {
		for (const struct dirent64 *next = (void *)walk->entries; (char *)next < walk->entries + n;
		     next = (const void *)((const char *)next + next->d_reclen)) {
			if (strcmp(next->d_name, ".") == 0 || strcmp(next->d_name, "..") == 0)
				continue;
			if ((r = entry(walk, next)) < 0)
				return walk_failed(walk, next->d_name, r);
		}
	}
	return n < 0 ? walk_failed(walk, "", -errno) : 0;
}

void walk_later(struct walk *walk, const char *name)
{
	*ARRAY_ADD(walk->here->names, walk->here->n) = xstrdup(name);
}

/* Make a directory the current one. */
static void change(struct walk *walk, struct walk_dir *here, int *fd)
{
	walk->here = here;
	cleanup_close(&walk->fd);
	walk->fd = TAKE_FD(*fd);
}

static int enter(struct walk *walk, const char *name)
{
	_cleanup_close_ int fd = openat(walk->fd, name, OPEN_DIR);
	struct walk_dir *dir;
	struct statx st;
	int r = fd < 0 ? -errno : walk_look(walk, fd, &st);

	if (r < 0)
		return walk_failed(walk, name, r);
	dir = dir_new(walk->here, name);
	dir->st = st;
	change(walk, dir, &fd);
	return walk->enter(walk);
}

/*
 * Leave the current directory after all below it. The directory above is opened and checked first, so that leave()
 * changes nothing in one that the current directory was moved to. Returns 1: it was the top; 0; or -errno.
 */
static int leave(struct walk *walk)
{
	struct walk_dir *dir = walk->here;
	_cleanup_close_ int fd = -EBADF;
	struct statx st = { 0 };
	int r = 0;

	if (dir->parent) {
		fd = openat(walk->fd, "..", OPEN_DIR);
		r = fd < 0 ? -errno : walk_look(walk, fd, &st);
		if (r == 0 && st.stx_ino != dir->parent->st.stx_ino)
			r = -ESTALE; /* it was moved */
		if (r < 0)
			return walk_failed(walk, "", r);
	}
	walk->up = fd;
	r = walk->leave ? walk->leave(walk) : 0;
	walk->up = -EBADF;
	if (r < 0 || !dir->parent)
		return r < 0 ? r : 1;
	change(walk, dir->parent, &fd);
	walk_dir_unref(dir);
	return 0;
}

int walk_tree(struct walk *walk, int top)
{
	int r = 0;

	*walk->error = '\0';
	walk->top_fd = top;
	walk->up = -EBADF;
	walk->here = dir_new(NULL, "");
	walk->fd = openat(top, ".", OPEN_DIR);
	if (walk->fd < 0 || statx(walk->fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_MNT_ID, &walk->top) < 0)
		r = -errno;
	walk->here->st = walk->top;
	if (r == 0)
		r = walk->enter(walk);
	while (r == 0) {
		_cleanup_free_ char *name = walk->here->n ? walk->here->names[--walk->here->n] : NULL;

		r = name ? enter(walk, name) : leave(walk);
	}
	cleanup_close(&walk->fd);
	for (struct walk_dir *dir = walk->here, *parent; dir; dir = parent) {
		parent = dir->parent;
		walk_dir_unref(dir);
	}
	walk->here = NULL;
	return r < 0 ? r : 0;
}
