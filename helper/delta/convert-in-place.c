/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * convert-in-place - replace a delta by the converted one.
 *
 * The new tree is made in a directory beside the old one, .NAME.lxc-bdev-convert,
 * and is called FORMAT.INODE: the format of the old tree, and the inode of the new
 * one. So after the exchange, and after a crash, the name tells which of the two
 * is there.
 */
#include "convert-in-place.h"
#include "../uses/directory-users.h"
#include "check.h"
#include "../base/cleanup.h"
#include "convert-leftovers.h"
#include "../base/log.h"
#include "../base/path.h"
#include "../base/remove.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#define OPEN_DIR (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

/* A directory, and its name in its parent directory. */
struct place {
	const char *path; /* as given, for messages */
	char *clean;
	const char *base; /* in it */
	int parent, dir;  /* -EBADF: not open */
};

static void place_clear(struct place *place)
{
	free(place->clean);
	cleanup_close(&place->parent);
	cleanup_close(&place->dir);
}

#define _cleanup_place_ __attribute__((cleanup(place_clear)))

/* Open the parent directory only. Returns 0 or -errno (logged). */
static int place_find(struct place *place, int dirfd, const char *path)
{
	_cleanup_free_ char *parent = NULL;
	char *slash;

	*place = (struct place){ .path = path, .clean = path_absolute("", path), .parent = -EBADF, .dir = -EBADF };
	slash = strrchr(place->clean, '/');
	place->base = slash + 1;
	if (!*place->base || strcmp(place->base, "..") == 0)
		return log_refuse(-EINVAL, "'%s': name the directory by its name in its parent directory", path);
	parent = xstrndup(place->clean, (size_t)(slash - place->clean));
	place->parent = path_open(dirfd,
				  *path == '/' ? (*parent ? parent : "/")
				  : *parent    ? parent + 1
					       : ".",
				  O_RDONLY | O_DIRECTORY);
	return place->parent < 0 ? log_errno(place->parent, "open the directory of '%s'", path) : 0;
}

static int check_unused(const struct place *place)
{
	_cleanup_free_ char *user = NULL;

	return uses_directory(place->dir, &user) ? log_refuse(-EBUSY, "'%s' is in use %s", place->path, user) : 0;
}

/* Open and lock the directory, which nobody may use or convert. Returns 0 or -errno (logged). */
static int place_open(struct place *place, int dirfd, const char *path)
{
	struct statx dir, parent;
	struct stat st, named;
	int r = place_find(place, dirfd, path);

	if (r < 0)
		return r;
	place->dir = openat(place->parent, place->base, OPEN_DIR);
	if (place->dir < 0 || statx(place->dir, "", AT_EMPTY_PATH, STATX_MNT_ID, &dir) < 0 ||
	    statx(place->parent, "", AT_EMPTY_PATH, STATX_MNT_ID, &parent) < 0)
		return log_errno(-errno, "open '%s'", path);
	if (dir.stx_mnt_id != parent.stx_mnt_id)
		return log_refuse(-EBUSY, "'%s': something is mounted there", path);
	if (flock(place->dir, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? log_refuse(-EBUSY, "'%s' is in use by another process", path)
					    : log_errno(-errno, "lock '%s'", path);
	/* A concurrent conversion may just have replaced it. */
	if (fstat(place->dir, &st) < 0 || fstatat(place->parent, place->base, &named, AT_SYMLINK_NOFOLLOW) < 0)
		return log_errno(-errno, "look at '%s'", path);
	if (st.st_ino != named.st_ino || st.st_dev != named.st_dev)
		return log_refuse(-EBUSY, "'%s' is in use by another process", path);
	return check_unused(place);
}

static char *work_name(const struct place *place)
{
	return convert_left_name(place->base);
}

/* 0 or -errno. */
static int remove_work(const struct place *place)
{
	return convert_left_remove(place->parent, place->base);
}

/* --- the new tree --- */

/* The directory beside the delta, the new tree in it, and that tree's name. */
struct site {
	int work, tree;
	char *name;
};

static void site_clear(struct site *site)
{
	free(site->name);
	cleanup_close(&site->work);
	cleanup_close(&site->tree);
}

#define _cleanup_site_ __attribute__((cleanup(site_clear)))

/* 0 or -errno. */
static int site_make(const struct place *place, const struct delta *old, struct site *site)
{
	_cleanup_free_ char *work = work_name(place);
	struct stat st;

	if (mkdirat(place->parent, work, 0700) < 0)
		return -errno;
	site->work = openat(place->parent, work, OPEN_DIR);
	if (site->work < 0 || mkdirat(site->work, "new", 0700) < 0)
		return -errno;
	site->tree = openat(site->work, "new", OPEN_DIR);
	/* It replaces the locked delta, so it is locked, too. */
	if (site->tree < 0 || flock(site->tree, LOCK_EX | LOCK_NB) < 0 || fstat(site->tree, &st) < 0)
		return -errno;
	site->name = convert_left_tree(old, st.st_ino);
	return renameat(site->work, "new", site->work, site->name) < 0 ? -errno : 0;
}

static int failed(const struct convert *convert, const struct place *place, int r)
{
	const char *error = convert->copy.error;

	if (r == -EINTR)
		return log_refuse(r, "convert '%s': interrupted; nothing was changed, and nothing is left",
				  place->path);
	if (r == -EXDEV)
		return log_refuse(r, "convert '%s': something is mounted in it, at '%s'", place->path, error);
	if (r == -EPERM)
		return log_refuse(r,
				  "convert '%s%s%s': not permitted: it may be immutable or append-only (chattr -i -a)",
				  place->path, *error ? "/" : "", error);
	return log_errno(r, "convert '%s%s%s'", place->path, *error ? "/" : "", error);
}

/* Make the new tree, whole and durable. Returns 0 or -errno (logged). */
static int build(struct convert *convert, const struct place *place, bool link, struct site *site)
{
	int r = site_make(place, &convert->from, site);

	*convert->copy.error = '\0';
	if (r == 0)
		r = convert_tree(convert, place->dir, site->tree, link);
	if (r == 0 && (syncfs(site->tree) < 0 || fsync(place->parent) < 0))
		r = -errno;
	/* A file may have no more hard links, or none there: then the files are copied. */
	if (link && (r == -EMLINK || r == -EXDEV)) {
		site_clear(site);
		*site = (struct site){ .work = -EBADF, .tree = -EBADF };
		r = remove_work(place);
		convert->copy.bytes = convert->copy.files = 0;
		return r < 0 ? failed(convert, place, r) : build(convert, place, false, site);
	}
	return r < 0 ? failed(convert, place, r) : 0;
}

/* Exchange the two trees. *ret_keep: it is unknown which of them would be there after a crash. */
static int exchange(const struct place *place, const struct site *site, bool *ret_keep)
{
	int r = check_unused(place);

	if (r < 0)
		return r;
	if (renameat2(place->parent, place->base, site->work, site->name, RENAME_EXCHANGE) < 0) {
		if (errno == EINVAL || errno == ENOSYS)
			return log_refuse(-errno,
					  "'%s': its file system cannot exchange two directories: convert it to a new "
					  "one (--to)",
					  place->path);
		return log_errno(-errno, "exchange '%s' with what it was converted to", place->path);
	}
	*ret_keep = fsync(site->work) < 0 || fsync(place->parent) < 0;
	if (*ret_keep)
		return log_errno(-errno,
				 "'%s' is converted, but may not be after a crash; '.%s.lxc-bdev-convert' beside it "
				 "has the old one: sync",
				 place->path, place->base);
	return 0;
}

/* Return 1 if there is something to convert; 0; or -errno (logged). */
static int look(struct convert *convert, const struct place *place)
{
	uint64_t sum = 0;
	int r = check_has_format(&convert->from, place->dir);

	(void)memset(convert->counts, 0, sizeof(convert->counts));
	if (r)
		r = convert_look(convert, place->dir);
	if (r < 0 && convert->counts[CONVERT_FOREIGN])
		return log_refuse(-EINVAL, "'%s': %llu entr%s not representable in %s format; nothing was changed",
				  place->path, (unsigned long long)convert->counts[CONVERT_FOREIGN],
				  convert->counts[CONVERT_FOREIGN] == 1 ? "y is" : "ies are",
				  convert_format_name(&convert->to));
	if (r < 0)
		return failed(convert, place, r);
	for (size_t i = 0; i < sizeof(convert->counts) / sizeof(*convert->counts); i++)
		sum += convert->counts[i];
	return sum != 0;
}

int convert_in_place(struct convert *convert, int dirfd, const char *path)
{
	_cleanup_site_ struct site site = { .work = -EBADF, .tree = -EBADF };
	_cleanup_place_ struct place place;
	int r = place_open(&place, dirfd, path), removed;
	bool keep = false;

	*convert->copy.error = '\0';
	if (r < 0)
		return r;
	r = remove_work(&place);
	if (r < 0)
		return log_errno(r, "'%s': remove '.%s.lxc-bdev-convert' beside it", path, place.base);
	r = look(convert, &place);
	if (r <= 0)
		return r;
	r = build(convert, &place, true, &site);
	if (r == 0)
		r = exchange(&place, &site, &keep);
	if (keep)
		return r;
	removed = remove_work(&place);
	if (removed < 0)
		log_warn("'%s': remove '.%s.lxc-bdev-convert' beside it: %s", path, place.base, strerror(-removed));
	return r;
}

int convert_prepare(int dirfd, const char *path, bool clear)
{
	_cleanup_place_ struct place place;
	int r = place_open(&place, dirfd, path);

	if (r == 0 && clear && (r = remove_work(&place)) < 0)
		(void)log_errno(r, "'%s': remove '.%s.lxc-bdev-convert' beside it", path, place.base);
	return r;
}

/* --- a new directory --- */

/* Make an empty directory, and lock it. Returns a descriptor or -errno. */
static int make_part(const struct place *to, const char *part)
{
	_cleanup_close_ int fd = -EBADF;
	struct stat st, named;
	int r;

	fd = openat(to->parent, part, OPEN_DIR);
	if (fd >= 0) {
		if (flock(fd, LOCK_EX | LOCK_NB) < 0)
			return errno == EWOULDBLOCK ? -EBUSY : -errno;
		r = remove_tree(to->parent, part, NULL);
		if (r < 0)
			return r;
		cleanup_close(&fd);
	}
	if (mkdirat(to->parent, part, 0700) < 0)
		return -errno;
	fd = openat(to->parent, part, OPEN_DIR);
	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0 || fstat(fd, &st) < 0 ||
	    fstatat(to->parent, part, &named, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == EWOULDBLOCK ? -EBUSY : -errno;
	return st.st_ino == named.st_ino ? TAKE_FD(fd) : -EBUSY;
}

static int give_name(const struct place *to, const char *part)
{
	struct stat st;

	if (renameat2(to->parent, part, to->parent, to->base, RENAME_NOREPLACE) < 0) {
		if (errno != EINVAL && errno != ENOSYS)
			return -errno;
		/* The file system does not have RENAME_NOREPLACE. */
		if (fstatat(to->parent, to->base, &st, AT_SYMLINK_NOFOLLOW) == 0)
			return -EEXIST;
		if (renameat(to->parent, part, to->parent, to->base) < 0)
			return -errno;
	}
	return fsync(to->parent) < 0 ? -errno : 0;
}

int convert_to(struct convert *convert, int dirfd, const char *path, const char *to)
{
	_cleanup_place_ struct place place, target = { .parent = -EBADF, .dir = -EBADF };
	_cleanup_free_ char *part = NULL, *from = NULL, *into = NULL;
	struct stat st;
	int r = place_open(&place, dirfd, path), changes;

	if (r == 0)
		r = place_find(&target, dirfd, to);
	if (r < 0 || !target.base)
		return r;
	from = path_of(place.dir);
	into = path_of(target.parent);
	if (into && from && path_below(into, from))
		return log_refuse(-EINVAL, "'%s' is inside the directory that is converted, '%s'", to, path);
	if (fstatat(target.parent, target.base, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return log_refuse(-EEXIST, "'%s' exists already", to);
	r = changes = look(convert, &place);
	if (r < 0)
		return r;
	part = xasprintf(".%s.lxc-bdev-part", target.base);
	target.dir = make_part(&target, part);
	if (target.dir < 0)
		return log_errno(target.dir, "make '%s'", to);
	r = changes ? convert_tree(convert, place.dir, target.dir, false)
		    : copy_tree(place.dir, target.dir, &convert->copy);
	if (r == 0 && syncfs(target.dir) < 0)
		r = -errno;
	if (r == 0)
		r = give_name(&target, part);
	if (r == 0)
		return 0;
	(void)remove_tree(target.parent, part, NULL);
	return failed(convert, &place, r);
}
