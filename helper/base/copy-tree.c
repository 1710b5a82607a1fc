/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * copy-tree - copy a directory tree with all attributes.
 *
 * Each name of the tree is opened once with O_PATH, which has no effect on a
 * device or fifo, and from then on only that descriptor is used: so a device
 * that replaces a file is recognized before it is opened for reading. Only root
 * can reach the target until its top gets its attributes, last.
 */
#include "cleanup.h"
#include "copy.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <search.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#define PROC_PATH (sizeof("/proc/self/fd/") + 11 + NAME_MAX + 1)
#define OPEN_DIR  (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NOATIME | O_CLOEXEC)

/* A file with several names, and the name of its copy. */
struct link {
	uint64_t dev, ino;
	struct walk_dir *dir;
	char *name;
};

struct tree {
	struct copy_way way;
	struct copy_form *form;
	int to; /* the copy of the current directory */
	int top_to;
	struct statx target; /* the target's top, which must not be in the tree */
	int proc;	     /* /proc/self/fd */
	uid_t uid;	     /* the owner of new files */
	gid_t gid;
	void *links; /* tsearch(3) */
	struct walk walk;
	char list[XATTR_LIST_MAX], value[XATTR_SIZE_MAX], buffer[COPY_BUFFER];
};

/* The attributes of what fd (of these, open for reading; or a path to it) is, to a name in the target. */
static int copy_xattrs(struct tree *tree, int fd, const char *path, const char *name)
{
	ssize_t n =
		path ? listxattr(path, tree->list, sizeof(tree->list)) : flistxattr(fd, tree->list, sizeof(tree->list));
	char to[PROC_PATH];

	if (n < 0)
		return errno == EOPNOTSUPP ? 0 : -errno;
	if (n > 0)
		(void)snprintf(to, sizeof(to), "/proc/self/fd/%d/%s", tree->to, name);
	for (const char *key = tree->list; key < tree->list + n; key += strlen(key) + 1) {
		ssize_t size;

		if (tree->form && !tree->form->keeps(tree->form, key))
			continue;
		size = path ? getxattr(path, key, tree->value, sizeof(tree->value))
			    : fgetxattr(fd, key, tree->value, sizeof(tree->value));

		if (size < 0 || lsetxattr(to, key, tree->value, (size_t)size, 0) < 0)
			return -errno;
	}
	return 0;
}

/* Copy owner, mode and extended attributes in this order, as the first ones clear some of the others; times last. */
static int copy_attributes(struct tree *tree, const struct statx *st, int fd, const char *path, const char *name)
{
	const struct timespec times[] = {
		{ .tv_sec = st->stx_atime.tv_sec, .tv_nsec = st->stx_atime.tv_nsec },
		{ .tv_sec = st->stx_mtime.tv_sec, .tv_nsec = st->stx_mtime.tv_nsec },
	};
	int r;

	if ((st->stx_uid != tree->uid || st->stx_gid != tree->gid) &&
	    fchownat(tree->to, name, st->stx_uid, st->stx_gid, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	/* Files were made with their mode, except for bits that a new owner or the kernel clears. */
	if (!S_ISLNK(st->stx_mode) && (S_ISDIR(st->stx_mode) || st->stx_mode & 07000) &&
	    fchmodat(tree->to, name, st->stx_mode & 07777, 0) < 0)
		return -errno;
	r = copy_xattrs(tree, fd, path, name);
	return r < 0 || utimensat(tree->to, name, times, AT_SYMLINK_NOFOLLOW) == 0 ? r : -errno;
}

static int copy_regular(struct tree *tree, const struct statx *st, int path, const char *name)
{
	_cleanup_close_ int from = -EBADF, to = -EBADF;
	char number[12];
	int r;

	(void)snprintf(number, sizeof(number), "%d", path);
	from = openat(tree->proc, number, O_RDONLY | O_NOATIME | O_CLOEXEC);
	if (from < 0)
		return -errno;
	to = openat(tree->to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, st->stx_mode & 07777);
	if (to < 0)
		return -errno;
	r = copy_contents(&tree->way, from, to, st->stx_size, st->stx_blocks * 512);
	if (r == 0 && close(TAKE_FD(to)) < 0)
		r = -errno;
	return r < 0 ? r : copy_attributes(tree, st, from, NULL, name);
}

static int copy_special(struct tree *tree, const struct statx *st, int path, const char *name)
{
	char target[PATH_MAX], proc[PROC_PATH];
	ssize_t n;
	int r;

	if (S_ISLNK(st->stx_mode)) {
		n = readlinkat(path, "", target, sizeof(target));
		if (n < 0 || n == sizeof(target))
			return n < 0 ? -errno : -ENAMETOOLONG;
		target[n] = '\0';
		r = symlinkat(target, tree->to, name);
	} else {
		r = mknodat(tree->to, name, st->stx_mode, makedev(st->stx_rdev_major, st->stx_rdev_minor));
	}
	if (r < 0)
		return -errno;
	(void)snprintf(proc, sizeof(proc), "/proc/self/fd/%d", path);
	return copy_attributes(tree, st, -EBADF, proc, name);
}

static int link_compare(const void *a, const void *b)
{
	const struct link *x = a, *y = b;

	return x->ino != y->ino ? (x->ino < y->ino ? -1 : 1) : (x->dev > y->dev) - (x->dev < y->dev);
}

static void link_free(void *p)
{
	struct link *link = p;

	walk_dir_unref(link->dir);
	free(link->name);
	free(link);
}

/* Link a copied file by another name, and keep this as its latest. Returns 1, 0: it is not copied yet; or -errno. */
static int copy_link(struct tree *tree, const struct statx *st, const char *name)
{
	struct link *link = xcalloc(1, sizeof(*link)), *known;
	_cleanup_close_ int there = -EBADF;
	int r = 0;

	link->dev = walk_device(st);
	link->ino = st->stx_ino;
	known = *(struct link **)must(tsearch(link, &tree->links, link_compare));
	if (known != link) {
		free(link);
		if (known->dir != tree->walk.here && (there = walk_dir_open(known->dir, tree->top_to)) < 0)
			return there;
		r = linkat(there < 0 ? tree->to : there, known->name, tree->to, name, 0) < 0 ? -errno : 1;
		/* The whiteouts of an upper are one inode; in the copy they may be several. */
		if (r == -EMLINK && S_ISCHR(st->stx_mode) && !st->stx_rdev_major && !st->stx_rdev_minor)
			r = 0;
		if (r < 0)
			return r;
	}
	walk_dir_unref(known->dir);
	known->dir = walk_dir_ref(tree->walk.here);
	free(known->name);
	known->name = xstrdup(name);
	return r;
}

/* Copy an entry of the current directory, which may have changed since readdir(3). Returns 0 or -errno. */
static int copy_entry(struct tree *tree, const char *name, unsigned char type)
{
	_cleanup_close_ int path = -EBADF;
	struct statx st = { 0 };
	int r;

	if (type == DT_DIR) {
		walk_later(&tree->walk, name);
		return 0;
	}
	path = openat(tree->walk.fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	r = path < 0 ? -errno : walk_look(&tree->walk, path, &st);
	if (r < 0)
		return r;
	if (S_ISDIR(st.stx_mode)) {
		walk_later(&tree->walk, name);
		return 0;
	}
	if (tree->form && tree->form->link)
		r = linkat(tree->walk.fd, name, tree->to, name, 0) < 0 ? -errno : 0;
	else if (st.stx_nlink == 1 || (r = copy_link(tree, &st, name)) == 0)
		r = S_ISREG(st.stx_mode) ? copy_regular(tree, &st, path, name) : copy_special(tree, &st, path, name);
	return r < 0 ? r : copy_progress(tree->way.copy, 0, 1);
}

int copy_keep(struct walk *walk, const char *name, unsigned char type)
{
	struct tree *tree = walk->arg;
	int r;

	/* The same file under the same name is the same, whatever it is. */
	if (tree->form->link && type != DT_DIR && type != DT_UNKNOWN) {
		if (linkat(walk->fd, name, tree->to, name, 0) < 0)
			return walk_failed(walk, name, -errno);
		r = copy_progress(tree->way.copy, 0, 1);
		return r < 0 ? walk_failed(walk, name, r) : 0;
	}
	r = copy_entry(tree, name, type);
	return r < 0 ? walk_failed(walk, name, r) : 0;
}

static int copy_dirent(struct walk *walk, const struct dirent64 *entry)
{
	return copy_entry(walk->arg, entry->d_name, entry->d_type);
}

/* Make the copy of the walk's directory the current one. Returns 0 or -errno. */
static int change(struct tree *tree, const char *name)
{
	int to = openat(tree->to, name, OPEN_DIR);

	if (to < 0)
		return -errno;
	cleanup_close(&tree->to);
	tree->to = to;
	return 0;
}

/*
 * Copy a directory's flags (chattr) and project id, where the file system has them, before its files: they inherit
 * both, and cannot be linked into a directory of another project.
 */
static void copy_flags(int from, int to)
{
	struct fsxattr attributes;
	int flags;

	if (ioctl(from, FS_IOC_FSGETXATTR, &attributes) == 0) {
		attributes.fsx_xflags &= ~(unsigned int)(FS_XFLAG_IMMUTABLE | FS_XFLAG_APPEND);
		(void)ioctl(to, FS_IOC_FSSETXATTR, &attributes);
	}
	if (ioctl(from, FS_IOC_GETFLAGS, &flags) == 0) {
		flags &= ~(FS_IMMUTABLE_FL | FS_APPEND_FL);
		(void)ioctl(to, FS_IOC_SETFLAGS, &flags);
	}
}

static int enter(struct walk *walk)
{
	struct tree *tree = walk->arg;
	const struct statx *st = &walk->here->st;
	int r = 0;

	if (walk->here->parent) {
		if (walk_device(st) == walk_device(&tree->target) && st->stx_ino == tree->target.stx_ino)
			r = -ELOOP;
		else if (mkdirat(tree->to, walk->here->name, 0700) < 0 &&
			 !(errno == EEXIST && tree->form && tree->form->merge))
			r = -errno;
		if (r == 0)
			r = change(tree, walk->here->name);
		if (r == 0)
			r = copy_progress(tree->way.copy, 0, 1);
		if (r < 0)
			return walk_failed(walk, "", r);
	}
	if (walk_device(st) == walk_device(&tree->target))
		copy_flags(walk->fd, tree->to);
	return tree->form ? tree->form->enter(tree->form, walk, tree->to) : walk_entries(walk, copy_dirent);
}

static int leave(struct walk *walk)
{
	struct tree *tree = walk->arg;
	int r = copy_attributes(tree, &walk->here->st, walk->fd, NULL, ".");

	if (r == 0 && walk->here->parent)
		r = change(tree, "..");
	return r < 0 ? walk_failed(walk, "", r) : 0;
}

/* Keep new files from inheriting ACLs, flags and group of the target's top, and all users but root out of it. */
static int prepare(struct tree *tree)
{
	if (fremovexattr(tree->to, "system.posix_acl_default") < 0 && errno != ENODATA && errno != EOPNOTSUPP)
		return -errno;
	if (fremovexattr(tree->to, "system.posix_acl_access") < 0 && errno != ENODATA && errno != EOPNOTSUPP)
		return -errno;
	return fchown(tree->to, tree->uid, tree->gid) < 0 || fchmod(tree->to, 0700) < 0 ? -errno : 0;
}

int copy_tree_as(int from, int to, struct copy *copy, struct copy_form *form)
{
	_cleanup_free_ struct tree *tree = xcalloc(1, sizeof(*tree));
	mode_t old = umask(0);
	int r = 0;

	*copy->error = '\0';
	tree->form = form;
	tree->way = (struct copy_way){ .copy = copy, .buffer = tree->buffer };
	tree->proc = open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC);
	tree->uid = geteuid();
	tree->gid = getegid();
	tree->top_to = to;
	tree->to = openat(to, ".", OPEN_DIR);
	tree->walk.enter = enter;
	tree->walk.leave = leave;
	tree->walk.arg = tree;
	if (tree->proc < 0 || tree->to < 0 || statx(to, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &tree->target) < 0)
		r = -errno;
	else
		r = prepare(tree);
	if (r == 0)
		r = walk_tree(&tree->walk, from);
	if (r < 0)
		(void)memcpy(copy->error, tree->walk.error, sizeof(copy->error));
	(void)umask(old);
	cleanup_close(&tree->to);
	cleanup_close(&tree->proc);
	tdestroy(tree->links, link_free);
	return r;
}

int copy_tree(int from, int to, struct copy *copy)
{
	return copy_tree_as(from, to, copy, NULL);
}
