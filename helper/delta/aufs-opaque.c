/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * aufs-opaque - additions to a delta in aufs format, so that aufs shows what the
 * delta means.
 *
 * An opaque directory hides all lower directories, and so does a file: that is
 * what a delta means, and how overlay shows it. aufs looks a name up in all
 * branches and takes the lowest opaque directory for the last one, whatever is
 * opaque above it; and it passes over files (au_do_lookup() of aufs 6.1; both seen
 * after a remount). So where a directory of the delta hides its lower directories,
 * and aufs would still show them, it is made opaque, and gets a whiteout for each
 * name that aufs would still show.
 */
#include "aufs-opaque.h"
#include "../base/cleanup.h"
#include "aufs-names.h"
#include "delta.h"
#include "../base/path.h"
#include "../base/walk.h"
#include "write.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>

/* walk_dir's state: this directory is opaque; it hides the lower ones, because it or a parent is opaque. */
enum { OPAQUE = 1, HIDES = 2 };

#define OPEN_DIR (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

static const struct delta aufs = { .format = DELTA_AUFS };

struct settle {
	struct walk walk;
	const int *lowers;
	size_t n;
};

/* --- what aufs merges with a directory of the delta --- */

struct parts {
	int *fds; /* nearest first */
	size_t n;
	bool over_file; /* the nearest lower that has the name has a file */
};

static void parts_cut(struct parts *parts, size_t n)
{
	while (parts->n > n)
		(void)close(parts->fds[--parts->n]);
}

static void parts_clear(struct parts *parts)
{
	parts_cut(parts, 0);
	free(parts->fds);
	*parts = (struct parts){ 0 };
}

/* Return 1 if the directory is opaque in either format, as the lower may not be converted yet; 0; or -errno. */
static int is_opaque(int fd)
{
	return delta_is_opaque(&aufs, fd) ?: delta_is_opaque(&(struct delta){ .format = DELTA_OVERLAY }, fd);
}

/* Look a name up in a directory of one lower. Returns its type (S_IFDIR, ...); 0: it does not have it; -ENOENT: it has
 * a whiteout of it; or -errno. */
static int look(int fd, const char *name)
{
	char whiteout[sizeof(WH) + NAME_MAX];
	struct stat st;

	(void)snprintf(whiteout, sizeof(whiteout), WH "%s", name);
	if (fstatat(fd, whiteout, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		if (S_ISREG(st.st_mode))
			return -ENOENT;
	} else if (errno != ENOENT && errno != ENAMETOOLONG) {
		return -errno;
	}
	if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -errno;
	return S_ISCHR(st.st_mode) && st.st_rdev == 0 ? -ENOENT : (int)(st.st_mode & S_IFMT);
}

/* Go from the parts of a directory to those of one in it. opaque: it is in the delta. Returns 0 or -errno. */
static int parts_enter(struct parts *parts, const char *name, bool opaque)
{
	struct parts next = { 0 };
	size_t last = 0;
	bool found = false;
	int r = 0;

	for (size_t i = 0; r == 0 && i < parts->n; i++) {
		int type = look(parts->fds[i], name), fd;

		if (type < 0) {
			r = type == -ENOENT ? 1 : type;
			continue;
		}
		next.over_file |= type && !found && type != S_IFDIR;
		found |= type != 0;
		if (type != S_IFDIR)
			continue;
		fd = openat(parts->fds[i], name, OPEN_DIR);
		if (fd < 0) {
			r = -errno;
			continue;
		}
		*ARRAY_ADD(next.fds, next.n) = fd;
		r = is_opaque(fd);
		if (r > 0)
			last = next.n;
		r = r < 0 ? r : 0;
	}
	if (last || opaque)
		parts_cut(&next, last);
	parts_clear(parts);
	*parts = next;
	return r < 0 ? r : 0;
}

/* Open the parts of the current directory. Returns 0 or -errno; parts_clear() in both cases. */
static int parts_here(const struct settle *settle, struct parts *ret)
{
	const struct walk_dir **way = NULL;
	size_t n = 0;
	int r = 0;

	*ret = (struct parts){ 0 };
	for (const struct walk_dir *dir = settle->walk.here; dir->parent; dir = dir->parent)
		*ARRAY_ADD(way, n) = dir; /* NOLINT(bugprone-sizeof-expression): pointers are meant */
	for (size_t i = 0; r == 0 && i < settle->n; i++) {
		int fd = openat(settle->lowers[i], ".", OPEN_DIR);

		if (fd < 0)
			r = -errno;
		else
			*ARRAY_ADD(ret->fds, ret->n) = fd;
	}
	while (r == 0 && n-- > 0)
		r = parts_enter(ret, way[n]->name, way[n]->state & OPAQUE);
	free(way);
	return r;
}

/* Return 1 if each lower has a directory there, or nothing: most are so, and need no look at each name of the path; 0;
 * or -errno. */
static int is_plain(const struct settle *settle)
{
	_cleanup_free_ char *path = walk_path(&settle->walk, "");

	for (size_t i = 0; i < settle->n; i++) {
		_cleanup_close_ int fd = path_resolve(settle->lowers[i], *path ? path : ".", O_PATH | O_DIRECTORY,
						      RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);

		if (fd == -ENOTDIR || fd == -ELOOP || fd == -ENAMETOOLONG)
			return 0;
		if (fd < 0 && fd != -ENOENT)
			return fd;
	}
	return 1;
}

/* --- what is added --- */

static int by_name(const void *name, const void *entry)
{
	return strcmp(name, ((const struct delta_entry *)entry)->name);
}

static bool has(const struct delta_dir *dir, const char *name)
{
	return dir->n && bsearch(name, dir->entries, dir->n, sizeof(*dir->entries), by_name);
}

/* Write a whiteout for each name that the part has and the delta has not. Returns 0 or -errno. */
static int hide_names(const struct settle *settle, const struct delta_dir *dir, int part)
{
	struct delta_dir shown = { 0 };
	int r = delta_read(&aufs, part, false, &shown);

	for (size_t i = 0; r == 0 && i < shown.n; i++) {
		const struct delta_entry *entry = &shown.entries[i];

		if (entry->kind == DELTA_WHITEOUT || entry->kind == DELTA_HIDDEN || has(dir, entry->name) ||
		    is_whiteout_name(entry->name))
			continue;
		r = write_whiteout(&aufs, settle->walk.top_fd, settle->walk.fd, entry->name);
		if (r == -EEXIST)
			r = 0; /* another part has it, too */
	}
	delta_dir_clear(&shown);
	return r;
}

/* Restore the times of a directory that was written to. Returns 0 or -errno. */
static int restore_times(int fd, const struct statx *st)
{
	const struct timespec times[2] = { { st->stx_atime.tv_sec, st->stx_atime.tv_nsec },
					   { st->stx_mtime.tv_sec, st->stx_mtime.tv_nsec } };

	return utimensat(fd, ".", times, 0) < 0 ? -errno : 0;
}

/* Hide these lower directories, which aufs would show. Returns 0 or -errno. */
static int hide(struct settle *settle, const struct delta_dir *dir, struct parts *parts)
{
	struct walk *walk = &settle->walk;
	int r = 0;

	if (!(walk->here->state & OPAQUE) && walk->here->parent) {
		r = write_opaque(&aufs, walk->fd);
		walk->here->state |= OPAQUE | HIDES;
		parts_clear(parts);
		if (r == 0)
			r = parts_here(settle, parts);
	}
	for (size_t i = 0; r == 0 && i < parts->n; i++)
		r = hide_names(settle, dir, parts->fds[i]);
	return r ?: restore_times(walk->fd, &walk->here->st);
}

static int settle_dir(struct walk *walk)
{
	struct settle *settle = walk->arg;
	struct delta_dir dir = { 0 };
	struct parts parts = { 0 };
	int r = delta_read(&aufs, walk->fd, !walk->here->parent, &dir), plain = 0;

	walk->here->state &= ~(unsigned int)OPAQUE;
	if (dir.opaque)
		walk->here->state |= OPAQUE | HIDES;
	if (r == 0 && !(walk->here->state & HIDES)) {
		plain = is_plain(settle);
		r = plain < 0 ? plain : 0;
	}
	if (r == 0 && !plain) {
		r = parts_here(settle, &parts);
		if (r == 0 && parts.n && ((walk->here->state & HIDES) || parts.over_file))
			r = hide(settle, &dir, &parts);
	}
	/* Where aufs merges nothing with this directory, it merges nothing with those in it. */
	for (size_t i = 0; r == 0 && (plain || parts.n) && i < dir.n; i++)
		if (dir.entries[i].type == DT_DIR && dir.entries[i].kind != DELTA_WHITEOUT &&
		    dir.entries[i].kind != DELTA_HIDDEN)
			walk_later(walk, dir.entries[i].name);
	parts_clear(&parts);
	delta_dir_clear(&dir);
	return r < 0 && !*walk->error ? walk_failed(walk, "", r) : r;
}

int settle_aufs(int top, const int *lowers, size_t n, char error[static PATH_MAX])
{
	_cleanup_free_ struct settle *settle = xcalloc(1, sizeof(*settle));
	int r;

	if (!n)
		return 0;
	settle->walk = (struct walk){ .enter = settle_dir, .arg = settle };
	settle->lowers = lowers;
	settle->n = n;
	r = walk_tree(&settle->walk, top);
	/* The top may have got the file whose hard links are the whiteouts. */
	if (r == 0)
		r = restore_times(top, &settle->walk.top);
	if (r < 0)
		(void)memcpy(error, settle->walk.error, PATH_MAX);
	return r;
}
