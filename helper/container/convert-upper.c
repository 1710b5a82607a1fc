/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * convert-upper - what one spec writes to, in its place.
 */
#include "convert-upper.h"
#include "../delta/check.h"
#include "../base/cleanup.h"
#include "convert-lines.h"
#include "../base/log.h"
#include "../base/path.h"
#include "../delta/convert-in-place.h"

#include <fcntl.h>

struct lowers {
	int *fds;
	size_t n;
};

static void close_lowers(struct lowers *lowers)
{
	for (size_t i = 0; i < lowers->n; i++)
		(void)close(lowers->fds[i]);
	free(lowers->fds);
}

#define _cleanup_lowers_ __attribute__((cleanup(close_lowers)))

static void found(struct convert *convert, enum convert_kind kind, const char *path, const char *why)
{
	struct convert_upper *upper = convert->arg;

	if (kind == CONVERT_FOREIGN && !upper->foreign)
		upper->foreign = xasprintf("'%s' (%s)", path, why);
	if (upper->found && (upper->tell_all || kind == CONVERT_FOREIGN))
		upper->found(upper, kind, path, why);
}

/* For the caller to free. */
static struct convert *conversion(struct convert_upper *upper, const struct lowers *lowers)
{
	struct convert *convert = xcalloc(1, sizeof(*convert));

	convert_begin(convert, upper->to, false);
	convert->found = found;
	convert->arg = upper;
	if (upper->progress) {
		convert->copy.tick = upper->progress->tick;
		convert->copy.arg = upper->progress->arg;
	}
	/* With others below that nobody can list here, these would be too few. */
	if (upper->lowest) {
		convert->lowers = lowers->fds;
		convert->nlowers = lowers->n;
	}
	return convert;
}

static struct delta old_form(const struct convert_upper *upper)
{
	return (struct delta){ .format = upper->to == DELTA_AUFS ? DELTA_OVERLAY : DELTA_AUFS };
}

static int check_lower(const struct convert_upper *upper, const char *name, int fd)
{
	const struct delta old = old_form(upper);
	int r = check_has_format(&old, fd);

	if (r < 0)
		return spec_refuse(upper->spec, r, "read lower '%s': %s", name, strerror(-r));
	return r ? spec_refuse(upper->spec, -EINVAL,
			       "its lower '%s' is a delta of %s too, and others may use it: first lxc-bdev convert "
			       "%s %s",
			       name, convert_type(old.format), convert_type(upper->to), name)
		 : 0;
}

static int open_lowers(struct convert_upper *upper, bool check, struct lowers *ret)
{
	const struct spec *spec = upper->spec;
	int r = 0;

	for (size_t i = 0; r == 0 && i + 1 < spec->nsources; i++) {
		int fd = path_open(upper->dirfd, spec->sources[i], O_RDONLY | O_DIRECTORY);

		if (fd < 0)
			return spec_refuse(spec, fd, "open lower '%s': %s", spec->sources[i], path_strerror(fd));
		*ARRAY_ADD(ret->fds, ret->n) = fd;
		r = check ? check_lower(upper, spec->sources[i], fd) : 0;
	}
	return r;
}

/* 0 or -errno (logged). */
static int look(struct convert_upper *upper, const struct lowers *lowers, int fd)
{
	_cleanup_free_ struct convert *convert = conversion(upper, lowers);
	int r = convert_wanted(convert, fd);

	if (r < 0)
		return spec_refuse(upper->spec, r, "read '%s': %s", convert_upper_name(upper->spec), strerror(-r));
	r = r ? convert_look(convert, fd) : 0;

	for (size_t i = 0; i < ARRAY_SIZE(convert->counts); i++)
		upper->needed |= convert->counts[i] != 0;
	return r < 0 ? spec_refuse(upper->spec, r, "not converted: %s cannot have %s of '%s'", convert_type(upper->to),
				   upper->foreign ?: strerror(-r), convert_upper_name(upper->spec))
		     : 0;
}

/* Overlay refuses an upper that was `volatile` in a crash, by a mark in its work directory; aufs would take it. */
static int check_volatile(const struct convert_upper *upper)
{
	const struct spec_option *option = spec_option(upper->spec, "work");
	const char *name = convert_upper_name(upper->spec);
	_cleanup_free_ char *mark =
		xasprintf("%s%s/work/incompat/volatile", option ? option->value : name, option ? "" : ".work");
	_cleanup_close_ int fd =
		upper->to == DELTA_AUFS ? path_open(upper->dirfd, mark, O_PATH | O_DIRECTORY) : -ENOENT;

	return fd < 0 ? 0
		      : spec_refuse(upper->spec, -EINVAL,
				    "not converted: it was in use with 'volatile' when the host went down, and may be "
				    "damaged; to use it as it is, remove '%s'",
				    mark);
}

int convert_upper_look(struct convert_upper *upper)
{
	const char *name = convert_upper_name(upper->spec);
	_cleanup_close_ int fd = path_open(upper->dirfd, name, O_RDONLY | O_DIRECTORY);
	_cleanup_lowers_ struct lowers lowers = { 0 };
	int r;

	/* A relative one is made at the first start. */
	if (fd == -ENOENT && *name != '/')
		return 0;
	if (fd < 0)
		return spec_refuse(upper->spec, fd, "open '%s': %s", name, path_strerror(fd));
	upper->there = true;
	upper->inode = path_inode(fd);
	/* An interrupted one's old tree has its attributes on files of the new one. */
	r = check_volatile(upper) ?: convert_prepare(upper->dirfd, name, upper->clear) ?: open_lowers(upper, true, &lowers);
	return r < 0 ? r : look(upper, &lowers, fd);
}

int convert_upper(struct convert_upper *upper)
{
	const char *name = convert_upper_name(upper->spec);
	_cleanup_lowers_ struct lowers lowers = { 0 };
	_cleanup_free_ struct convert *convert = NULL;
	_cleanup_close_ int fd = -EBADF;
	int r;

	r = open_lowers(upper, false, &lowers);
	if (r < 0)
		return r;
	convert = conversion(upper, &lowers);
	convert->found = NULL; /* it was told */
	r = convert_in_place(convert, upper->dirfd, name);
	if (r < 0)
		return r;
	upper->changed = upper->needed;
	/* Its new form must be on disk before what is said about it. */
	fd = path_open(upper->dirfd, name, O_RDONLY | O_DIRECTORY);
	if (fd < 0 || syncfs(fd) < 0)
		return log_errno(fd < 0 ? fd : -errno, "%s: sync '%s'", upper->spec->where, name);
	return 0;
}

void convert_upper_clear(struct convert_upper *upper)
{
	free(TAKE_PTR(upper->foreign));
	free(TAKE_PTR(upper->inode));
}
