/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * copytree - a directory tree with all that belongs to it.
 *
 * Each name of the tree is opened once with O_PATH, which has no effect on what
 * it is, and from then on only that descriptor counts: a device or a fifo that
 * takes the place of a file is seen for what it is before it is opened. The
 * target is reached by root alone until its top gets its attributes, last.
 *
 * The files of a directory come first, then the directories in it, from a
 * stack of our own. Only the current one is open, however deep it is: the way
 * back is "..", which must be the same directory still.
 */
#include "cleanup.h"
#include "copy.h"
#include "path.h"

#include <dirent.h>
#include <fcntl.h>
#include <search.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#define PROC_PATH (sizeof("/proc/self/fd/") + 11 + NAME_MAX + 1)
#define OPEN_DIR  (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NOATIME | O_CLOEXEC)

/* A directory of the tree: kept while it or one below it is being copied, or a link is known to be in it. */
struct dir {
	struct dir *parent; /* NULL: the top */
	size_t refs;
	struct statx st;
	char **names; /* of the directories in it that are still to be copied */
	size_t n;
	char name[];
};

/* A file of several names, and one that it has in the target. */
struct link {
	uint64_t dev, ino;
	struct dir *dir;
	char *name;
};

struct walk {
	struct copy_way way;
	int from, to; /* the current directory */
	struct dir *here;
	int top_from, top_to;
	struct statx top, target; /* the target's top is not to be in the tree */
	int proc;		  /* /proc/self/fd */
	uid_t uid;		  /* who owns what we make */
	gid_t gid;
	void *links; /* tsearch(3) */
	char entries[64 << 10], list[XATTR_LIST_MAX], value[XATTR_SIZE_MAX], buffer[COPY_BUFFER];
};

static uint64_t device(const struct statx *st)
{
	return makedev(st->stx_dev_major, st->stx_dev_minor);
}

/* What is at fd, of the tree: -EXDEV when it is on another mount. */
static int look(const struct walk *walk, int fd, struct statx *ret)
{
	if (statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_MNT_ID, ret) < 0)
		return -errno;
	/* On overlay, a file may show another device than its directory. */
	if (ret->stx_mask & STATX_MNT_ID ? ret->stx_mnt_id != walk->top.stx_mnt_id : device(ret) != device(&walk->top))
		return -EXDEV;
	if (!S_ISDIR(ret->stx_mode))
		return 0;
	if (device(ret) == device(&walk->target) && ret->stx_ino == walk->target.stx_ino)
		return -ELOOP;
	return device(ret) == device(&walk->top) ? 0 : -EXDEV;
}

/* The attributes of what fd (of these, open for reading; or a path to it) is, to a name in the target. */
static int copy_xattrs(struct walk *walk, int fd, const char *path, const char *name)
{
	ssize_t n =
		path ? listxattr(path, walk->list, sizeof(walk->list)) : flistxattr(fd, walk->list, sizeof(walk->list));
	char to[PROC_PATH];

	if (n < 0)
		return errno == EOPNOTSUPP ? 0 : -errno;
	if (n > 0)
		(void)snprintf(to, sizeof(to), "/proc/self/fd/%d/%s", walk->to, name);
	for (const char *key = walk->list; key < walk->list + n; key += strlen(key) + 1) {
		ssize_t size = path ? getxattr(path, key, walk->value, sizeof(walk->value))
				    : fgetxattr(fd, key, walk->value, sizeof(walk->value));

		if (size < 0 || lsetxattr(to, key, walk->value, (size_t)size, 0) < 0)
			return -errno;
	}
	return 0;
}

/* Owner before mode before extended attributes: the first takes away some of the others. Times are last. */
static int copy_attributes(struct walk *walk, const struct statx *st, int fd, const char *path, const char *name)
{
	const struct timespec times[] = {
		{ .tv_sec = st->stx_atime.tv_sec, .tv_nsec = st->stx_atime.tv_nsec },
		{ .tv_sec = st->stx_mtime.tv_sec, .tv_nsec = st->stx_mtime.tv_nsec },
	};
	int r;

	if ((st->stx_uid != walk->uid || st->stx_gid != walk->gid) &&
	    fchownat(walk->to, name, st->stx_uid, st->stx_gid, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	/* All but directories were made with theirs, save the bits that a new owner or the kernel clears. */
	if (!S_ISLNK(st->stx_mode) && (S_ISDIR(st->stx_mode) || st->stx_mode & 07000) &&
	    fchmodat(walk->to, name, st->stx_mode & 07777, 0) < 0)
		return -errno;
	r = copy_xattrs(walk, fd, path, name);
	return r < 0 || utimensat(walk->to, name, times, AT_SYMLINK_NOFOLLOW) == 0 ? r : -errno;
}

static int copy_regular(struct walk *walk, const struct statx *st, int path, const char *name)
{
	_cleanup_close_ int from = -EBADF, to = -EBADF;
	char number[12];
	int r;

	(void)snprintf(number, sizeof(number), "%d", path);
	from = openat(walk->proc, number, O_RDONLY | O_NOATIME | O_CLOEXEC);
	if (from < 0)
		return -errno;
	to = openat(walk->to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, st->stx_mode & 07777);
	if (to < 0)
		return -errno;
	r = copy_contents(&walk->way, from, to, st->stx_size, st->stx_blocks * 512);
	if (r == 0 && close(TAKE_FD(to)) < 0)
		r = -errno;
	return r < 0 ? r : copy_attributes(walk, st, from, NULL, name);
}

static int copy_special(struct walk *walk, const struct statx *st, int path, const char *name)
{
	char target[PATH_MAX], proc[PROC_PATH];
	ssize_t n;
	int r;

	if (S_ISLNK(st->stx_mode)) {
		n = readlinkat(path, "", target, sizeof(target));
		if (n < 0 || n == sizeof(target))
			return n < 0 ? -errno : -ENAMETOOLONG;
		target[n] = '\0';
		r = symlinkat(target, walk->to, name);
	} else {
		r = mknodat(walk->to, name, st->stx_mode, makedev(st->stx_rdev_major, st->stx_rdev_minor));
	}
	if (r < 0)
		return -errno;
	(void)snprintf(proc, sizeof(proc), "/proc/self/fd/%d", path);
	return copy_attributes(walk, st, -EBADF, proc, name);
}

static struct dir *dir_new(struct dir *parent, const char *name)
{
	struct dir *dir = xcalloc(1, sizeof(*dir) + strlen(name) + 1);

	(void)memcpy(dir->name, name, strlen(name));
	dir->refs = 1;
	dir->parent = parent;
	if (parent)
		parent->refs++;
	return dir;
}

static void dir_unref(struct dir *dir)
{
	while (dir && --dir->refs == 0) {
		struct dir *parent = dir->parent;

		while (dir->n)
			free(dir->names[--dir->n]);
		free(dir->names);
		free(dir);
		dir = parent;
	}
}

/* Open it in the target, however deep it lies. fd or -errno. */
static int dir_open(struct walk *walk, const struct dir *dir)
{
	_cleanup_free_ const char **chain = NULL;
	_cleanup_close_ int at = fcntl(walk->top_to, F_DUPFD_CLOEXEC, 0);
	size_t n = 0;

	for (; dir->parent; dir = dir->parent)
		*ARRAY_ADD(chain, n) = dir->name;
	while (at >= 0 && n-- > 0) {
		int next = openat(at, chain[n], O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

		if (next < 0)
			return -errno;
		(void)close(at);
		at = next;
	}
	return at < 0 ? -errno : TAKE_FD(at);
}

static int link_compare(const void *a, const void *b)
{
	const struct link *x = a, *y = b;

	return x->ino != y->ino ? (x->ino < y->ino ? -1 : 1) : (x->dev > y->dev) - (x->dev < y->dev);
}

static void link_free(void *p)
{
	struct link *link = p;

	dir_unref(link->dir);
	free(link->name);
	free(link);
}

/* Another name for the file, if it is known. 1, 0 (it is to be copied) or -errno; its latest name is kept in mind. */
static int copy_link(struct walk *walk, const struct statx *st, const char *name)
{
	struct link *link = xcalloc(1, sizeof(*link)), *known;
	_cleanup_close_ int there = -EBADF;
	int r = 0;

	link->dev = device(st);
	link->ino = st->stx_ino;
	known = *(struct link **)must(tsearch(link, &walk->links, link_compare));
	if (known != link) {
		free(link);
		if (known->dir != walk->here && (there = dir_open(walk, known->dir)) < 0)
			return there;
		r = linkat(there < 0 ? walk->to : there, known->name, walk->to, name, 0) < 0 ? -errno : 1;
		/* An upper's whiteouts are one inode: here they may become several. */
		if (r == -EMLINK && S_ISCHR(st->stx_mode) && !st->stx_rdev_major && !st->stx_rdev_minor)
			r = 0;
		if (r < 0)
			return r;
	}
	walk->here->refs++;
	dir_unref(known->dir);
	known->dir = walk->here;
	free(known->name);
	known->name = xstrdup(name);
	return r;
}

static int copy_entry(struct walk *walk, const struct dirent64 *entry)
{
	_cleanup_close_ int path = -EBADF;
	const char *name = entry->d_name;
	struct statx st;
	int r = 0;

	if (entry->d_type != DT_DIR) {
		path = openat(walk->from, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
		if (path < 0)
			return -errno;
		r = look(walk, path, &st);
	}
	if (r == 0 && (entry->d_type == DT_DIR || S_ISDIR(st.stx_mode)))
		*ARRAY_ADD(walk->here->names, walk->here->n) = xstrdup(name);
	else if (r == 0 && (st.stx_nlink == 1 || (r = copy_link(walk, &st, name)) == 0))
		r = S_ISREG(st.stx_mode) ? copy_regular(walk, &st, path, name) : copy_special(walk, &st, path, name);
	if (r >= 0 && path >= 0)
		copy_progress(walk->way.copy, 0, 1);
	return r < 0 ? r : 0;
}

/* Which file of the current directory it is that failed; r. */
static int failed(struct walk *walk, const char *name, int r)
{
	_cleanup_free_ char *top = path_of(walk->top_from), *here = path_of(walk->from);
	const char *rest = path_below(here, top) ?: "";

	(void)snprintf(walk->way.copy->error, PATH_MAX, "%s%s%s", rest, *rest && *name ? "/" : "", name);
	return r;
}

/* What lies in the current directory, save its directories: their names are noted. */
static int copy_entries(struct walk *walk)
{
	ssize_t n;
	int r;

	while ((n = getdents64(walk->from, walk->entries, sizeof(walk->entries))) > 0) {
		for (const struct dirent64 *entry = (void *)walk->entries; (char *)entry < walk->entries + n;
		     entry = (const void *)((const char *)entry + entry->d_reclen)) {
			if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
				continue;
			if ((r = copy_entry(walk, entry)) < 0)
				return failed(walk, entry->d_name, r);
		}
	}
	return n < 0 ? failed(walk, "", -errno) : 0;
}

/* Make these the current directories. */
static void change(struct walk *walk, struct dir *here, int *from, int *to)
{
	walk->here = here;
	cleanup_close(&walk->from);
	cleanup_close(&walk->to);
	walk->from = TAKE_FD(*from);
	walk->to = TAKE_FD(*to);
}

static int enter(struct walk *walk, const char *name)
{
	_cleanup_close_ int from = openat(walk->from, name, OPEN_DIR), to = -EBADF;
	struct statx st;
	struct dir *dir;
	int r = from < 0 ? -errno : look(walk, from, &st);

	if (r == 0 && (mkdirat(walk->to, name, 0700) < 0 || (to = openat(walk->to, name, OPEN_DIR)) < 0))
		r = -errno;
	if (r < 0)
		return failed(walk, name, r);
	dir = dir_new(walk->here, name);
	dir->st = st;
	change(walk, dir, &from, &to);
	copy_progress(walk->way.copy, 0, 1);
	return copy_entries(walk);
}

/* All that is in the current directory is copied. 1: so it is for the top. */
static int leave(struct walk *walk)
{
	_cleanup_close_ int from = -EBADF, to = -EBADF;
	struct dir *dir = walk->here;
	struct statx st = { 0 };
	int r = copy_attributes(walk, &dir->st, walk->from, NULL, ".");

	if (r < 0 || !dir->parent)
		return r < 0 ? failed(walk, "", r) : 1;
	from = openat(walk->from, "..", OPEN_DIR);
	to = openat(walk->to, "..", OPEN_DIR);
	r = from < 0 || to < 0 ? -errno : look(walk, from, &st);
	if (r == 0 && st.stx_ino != dir->parent->st.stx_ino)
		r = -ESTALE; /* somebody moved it */
	if (r < 0)
		return failed(walk, "", r);
	change(walk, dir->parent, &from, &to);
	dir_unref(dir);
	return 0;
}

/* Nothing but what we say is to come from the target's top to what is made in it; and only root gets there. */
static int prepare(struct walk *walk)
{
	if (fremovexattr(walk->to, "system.posix_acl_default") < 0 && errno != ENODATA && errno != EOPNOTSUPP)
		return -errno;
	if (fremovexattr(walk->to, "system.posix_acl_access") < 0 && errno != ENODATA && errno != EOPNOTSUPP)
		return -errno;
	return fchown(walk->to, walk->uid, walk->gid) < 0 || fchmod(walk->to, 0700) < 0 ? -errno : 0;
}

int copy_tree(int from, int to, struct copy *copy)
{
	_cleanup_free_ struct walk *walk = xcalloc(1, sizeof(*walk));
	unsigned int mask = STATX_BASIC_STATS | STATX_MNT_ID;
	mode_t old = umask(0);
	int r;

	*copy->error = '\0';
	walk->way = (struct copy_way){ .copy = copy, .buffer = walk->buffer };
	walk->proc = open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC);
	walk->uid = geteuid();
	walk->gid = getegid();
	walk->top_from = from;
	walk->top_to = to;
	walk->from = openat(from, ".", OPEN_DIR);
	walk->to = openat(to, ".", OPEN_DIR);
	walk->here = dir_new(NULL, "");
	if (walk->proc < 0 || walk->from < 0 || walk->to < 0 || statx(from, "", AT_EMPTY_PATH, mask, &walk->top) < 0 ||
	    statx(to, "", AT_EMPTY_PATH, mask, &walk->target) < 0)
		r = -errno;
	else
		r = prepare(walk);
	walk->here->st = walk->top;
	if (r == 0)
		r = copy_entries(walk);
	while (r == 0) {
		_cleanup_free_ char *name = walk->here->n ? walk->here->names[--walk->here->n] : NULL;

		r = name ? enter(walk, name) : leave(walk);
	}
	(void)umask(old);
	cleanup_close(&walk->from);
	cleanup_close(&walk->to);
	cleanup_close(&walk->proc);
	tdestroy(walk->links, link_free);
	for (struct dir *dir = walk->here, *parent; dir; dir = parent) {
		parent = dir->parent;
		dir_unref(dir);
	}
	return r < 0 ? r : 0;
}
