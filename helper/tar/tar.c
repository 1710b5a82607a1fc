/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * tar - write a layer as an OCI layer tar.
 *
 * A directory comes before its contents: its whiteouts, then its files by name,
 * then its directories by name, each with all its contents. The tar depends on the
 * layer alone: it has no inode numbers, no times but those of the contents, and of
 * a file's names the first in this order has the data.
 */
#include "tar.h"
#include "../delta/aufs-names.h"
#include "../delta/lowers.h"
#include "../delta/hard-links.h"
#include "tar-attributes.h"
#include "tar-file.h"
#include "tar-tree.h"
#include "../base/cleanup.h"
#include "../base/log.h"

#include <fcntl.h>

/* walk_dir.state: the directory or a parent is opaque, so no lower layer is visible. */
#define CUT 1U

struct totar_run {
	struct totar *totar;
	struct delta delta; /* the layer's format; a whole tree is read as overlay's, to find what must not be in it */
	struct tarfile *tar;
	struct tarattr *attr;
	struct lowers lowers;
	struct tartree tree;
	struct links links;
	const char *why; /* the failure, if there is no errno that says it */
	char *path;	 /* of the current directory, ending in '/', or "" */
	char *entry;	 /* of an entry: path_to() */
	size_t size;	 /* of its memory */
	struct delta_dir dir;
	struct walk walk;
};

static int refuse(struct totar_run *run, const char *name, const char *why)
{
	run->why = why;
	return walk_failed(&run->walk, name, -EINVAL);
}

static int changed(struct totar_run *run, const char *name, int r)
{
	if (r == -ESTALE)
		run->why = "it changed while it was read";
	return walk_failed(&run->walk, name, r);
}

/* Return the path of a name in the current directory, with a prefix of the name; valid until the next call. */
static const char *path_to(struct totar_run *run, const char *before, const char *name)
{
	size_t need = strlen(run->path) + strlen(before) + strlen(name) + 1;

	if (need > run->size)
		run->entry = must(realloc(run->entry, run->size = need * 2));
	(void)snprintf(run->entry, run->size, "%s%s%s", run->path, before, name);
	return run->entry;
}

/* Write a whiteout, which has nothing but its name. */
static int put_whiteout(struct totar_run *run, const char *name)
{
	struct tarfile_entry entry = { .path = path_to(run, WH, name), .link = "", .type = '0' };

	return tarfile_entry(run->tar, &entry);
}

/* Write the headers of a file, with its extended attributes. Returns 0 or -errno, with walk.error. */
static int put_entry(struct totar_run *run, const struct statx *st, const char *name, struct tarfile_entry *entry,
		     int fd, const char *proc)
{
	const struct idmap *idmap = run->totar->idmap;
	const char *why;
	int r;

	if (!idmap_in(idmap, 'u', st->stx_uid, &entry->uid))
		return refuse(run, name, "its owner has no id in the tar");
	if (!idmap_in(idmap, 'g', st->stx_gid, &entry->gid))
		return refuse(run, name, "its group has no id in the tar");
	entry->mode = st->stx_mode & 07777;
	entry->seconds = st->stx_mtime.tv_sec;
	entry->nanoseconds = st->stx_mtime.tv_nsec;
	if (run->totar->epoch >= 0 && entry->seconds >= run->totar->epoch) {
		entry->seconds = run->totar->epoch;
		entry->nanoseconds = 0;
	}
	r = tarattr_put(run->attr, run->tar, fd, proc, &why);
	if (r < 0 && why)
		return refuse(run, name, why);
	if (r == 0)
		r = tarfile_entry(run->tar, entry);
	if (r == 0 && run->totar->progress)
		r = copy_progress(run->totar->progress, 0, 1);
	return r < 0 ? walk_failed(&run->walk, name, r) : 0;
}

static int put_regular(struct totar_run *run, const struct statx *st, int fd, const char *name,
		       struct tarfile_entry *entry)
{
	int r;

	entry->type = '0';
	entry->size = st->stx_size;
	r = put_entry(run, st, name, entry, fd, NULL);
	if (r < 0)
		return r;
	r = tarfile_contents(run->tar, fd, st->stx_size, st->stx_blocks * 512);
	return r < 0 ? changed(run, name, r) : 0;
}

static int put_special(struct totar_run *run, const struct statx *st, int path, const char *name,
		       struct tarfile_entry *entry, const char *proc)
{
	char target[PATH_MAX];
	ssize_t n;

	switch (st->stx_mode & S_IFMT) {
	case S_IFLNK:
		n = readlinkat(path, "", target, sizeof(target));
		if (n < 0 || n == sizeof(target))
			return walk_failed(&run->walk, name, n < 0 ? -errno : -ENAMETOOLONG);
		target[n] = '\0';
		entry->link = target;
		entry->type = '2';
		break;
	case S_IFIFO:
		entry->type = '6';
		break;
	case S_IFCHR:
	case S_IFBLK:
		if (S_ISCHR(st->stx_mode) && !st->stx_rdev_major && !st->stx_rdev_minor)
			return refuse(run, name, "a character device 0:0 is a whiteout to overlay");
		entry->type = S_ISCHR(st->stx_mode) ? '3' : '4';
		entry->major = st->stx_rdev_major;
		entry->minor = st->stx_rdev_minor;
		break;
	default:
		return refuse(run, name, "a tar has no such file type");
	}
	return put_entry(run, st, name, entry, -EBADF, proc);
}

/* Write a file of the current directory. Returns 0 or -errno, with walk.error. */
static int put_file(struct totar_run *run, const char *name, unsigned char type)
{
	_cleanup_close_ int fd = type == DT_REG ? tartree_open_file(&run->tree, run->walk.fd, name)
						: openat(run->walk.fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct tarfile_entry entry = { .path = path_to(run, "", name), .link = "" };
	_cleanup_free_ char *first = NULL;
	struct statx st = { 0 };
	char proc[32];
	int r = fd >= 0 ? walk_look(&run->walk, fd, &st) : type == DT_REG ? fd : -errno;

	if (r == 0 && IFTODT(st.stx_mode) != type)
		r = -ESTALE;
	if (r < 0)
		return changed(run, name, r);
	if (S_ISSOCK(st.stx_mode)) {
		run->totar->skipped++;
		return 0;
	}
	(void)snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
	if (st.stx_nlink > 1 && links_met(&run->links, &st, entry.path, &first)) {
		/* With the attributes of the first name, as containers/storage sets them again. */
		entry.type = '1';
		entry.link = first;
		return put_entry(run, &st, name, &entry, -EBADF, proc);
	}
	return S_ISREG(st.stx_mode) ? put_regular(run, &st, fd, name, &entry)
				    : put_special(run, &st, fd, name, &entry, proc);
}

/* Accept a name that is only too long for aufs, which does not matter to a tar, and set its kind. Returns 1; 0: it is
 * another entry; or -errno. */
static int accept_long_name(struct totar_run *run, struct delta_entry *entry)
{
	int r;

	if (run->delta.format != DELTA_OVERLAY || is_whiteout_name(entry->name) || strlen(entry->name) <= AUFS_MAX)
		return 0;
	/* Its attributes are checked when they are written. */
	r = lowers_set_kind(&run->delta, run->walk.fd, entry);
	return r < 0 ? r : 1;
}

/* Read the current directory. A whole tree has no whiteouts, so it must have nothing that would become one. */
static int read_dir(struct totar_run *run)
{
	bool merged = run->totar->merged;
	/* Attributes are read once, and checked when they are written, the directory's own, too. */
	int r = delta_read_again(&run->delta, run->walk.fd, !run->walk.here->parent, &run->dir);

	if (r < 0)
		return walk_failed(&run->walk, "", r);
	for (size_t i = 0; i < run->dir.n; i++) {
		struct delta_entry *entry = &run->dir.entries[i];

		r = entry->kind == DELTA_FOREIGN ? accept_long_name(run, entry) : 1;
		if (r < 0)
			return walk_failed(&run->walk, entry->name, r);
		if (r == 0)
			return refuse(run, entry->name, entry->why);
		if (merged && entry->kind == DELTA_WHITEOUT)
			return refuse(run, entry->name, "a character device 0:0 means a removed name");
	}
	run->dir.opaque &= !merged;
	return 0;
}

/* Write that the current directory is opaque, if a lower layer has it. */
static int put_opaque(struct totar_run *run)
{
	struct walk_dir *here = run->walk.here;
	struct tarfile_entry entry = { .path = path_to(run, "", WH_OPQ), .link = "", .type = '0' };
	struct merged_dir dir;
	int r;

	if (here->state & CUT)
		return 0;
	r = lowers_open(&run->lowers, here, &dir);
	if (r == 0 && dir.n)
		r = tarfile_entry(run->tar, &entry);
	merged_dir_clear(&dir);
	here->state |= CUT;
	return r < 0 ? walk_failed(&run->walk, "", r) : 0;
}

static int put_dir(struct totar_run *run)
{
	struct tarfile_entry entry = { .path = *run->path ? run->path : "./", .link = "", .type = '5' };

	return put_entry(run, &run->walk.here->st, "", &entry, run->walk.fd, NULL);
}

static int enter(struct walk *walk)
{
	struct totar_run *run = walk->arg;
	_cleanup_free_ char *path = NULL;
	int r;

	free(run->path);
	path = walk_path(walk, "");
	run->path = xasprintf("%s%s", path, *path ? "/" : "");
	delta_dir_clear(&run->dir);
	r = read_dir(run);
	if (r == 0)
		r = put_dir(run);
	if (r == 0 && run->dir.opaque)
		r = put_opaque(run);
	for (size_t i = 0; r == 0 && i < run->dir.n; i++) {
		const struct delta_entry *entry = &run->dir.entries[i];

		/* In an opaque directory it hides nothing. */
		if (entry->kind == DELTA_WHITEOUT && !(walk->here->state & CUT) &&
		    (r = put_whiteout(run, entry->name)) < 0)
			r = walk_failed(walk, entry->name, r);
	}
	for (size_t i = 0; r == 0 && i < run->dir.n; i++)
		if (run->dir.entries[i].kind == DELTA_FILE)
			r = put_file(run, run->dir.entries[i].name, run->dir.entries[i].type);
	for (size_t i = run->dir.n; i-- > 0;)
		if (run->dir.entries[i].kind == DELTA_DIR)
			walk_later(walk, run->dir.entries[i].name);
	return r;
}

static int report(const struct totar_run *run, int r)
{
	const char *at = *run->walk.error ? run->walk.error : ".";

	if (run->tar->failed)
		return log_errno(run->tar->failed, "write the tar");
	if (run->why)
		return log_refuse(r, "write '%s' to a tar: %s", at, run->why);
	if (r == -EXDEV)
		return log_refuse(r, "write '%s' to a tar: something is mounted there", at);
	return log_errno(r, "write '%s' to a tar", at);
}

int totar(struct totar *totar, int from, int output)
{
	_cleanup_free_ struct totar_run *run = xcalloc(1, sizeof(*run));
	int r = 0;

	totar->skipped = 0;
	run->totar = totar;
	if (!totar->merged)
		run->delta = totar->delta;
	else
		run->delta.format = DELTA_OVERLAY;
	run->lowers = (struct lowers){ .delta = &run->delta, .fds = totar->lowers, .n = totar->nlowers };
	run->tar = tarfile_new(output);
	run->tar->progress = totar->progress;
	run->attr = tarattr_new(totar->merged ? NULL : &run->delta, totar->idmap);
	run->walk.enter = enter;
	run->walk.arg = run;
	r = tartree_open(&run->tree, from) ?: walk_tree(&run->walk, run->tree.fd);
	if (r == 0)
		r = tarfile_end(run->tar);
	if (r < 0)
		r = report(run, r);
	else if (tarattr_escaped(run->attr))
		log_warn("left out %zu attributes of overlays that were mounted inside", tarattr_escaped(run->attr));
	delta_dir_clear(&run->dir);
	links_clear(&run->links);
	tartree_close(&run->tree);
	tarattr_free(run->attr);
	tarfile_free(run->tar);
	free(run->path);
	free(run->entry);
	return r;
}
