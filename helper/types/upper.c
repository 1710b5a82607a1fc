/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * upper - find, check and open the upper of an overlay or aufs.
 */
#include "upper.h"
#include "../stack/type.h"

#include <fcntl.h>
#include <sys/stat.h>

char *upper_of(const struct spec *spec)
{
	return spec->sources[spec->nsources - 1];
}

/* Return whether the path leads out of the directory that it is relative to. Only reads the text: a new tmpfs has no
 * symlinks. */
static bool leads_out(const char *path)
{
	int depth = 0;

	while (*path && depth >= 0) {
		size_t n = strcspn(path, "/");

		if (n == 2 && strncmp(path, "..", 2) == 0)
			depth--;
		else if (n)
			depth++;
		path += n + (path[n] == '/');
	}
	return depth < 0;
}

int upper_place(const struct spec *spec, struct plan *plan, const char *path, struct upper *ret)
{
	_cleanup_free_ char *absolute = path_absolute(plan->dir, path);
	struct plan_cover *cover;

	if (strlen(absolute) >= sizeof(ret->path) || strlen(path) >= sizeof(ret->path))
		return spec_refuse(spec, -ENAMETOOLONG, "upper or work directory: %s", strerror(ENAMETOOLONG));
	ret->cover = plan_find_cover(plan, absolute);
	if (ret->cover < 0) {
		(void)stpcpy(ret->path, path);
		return 0;
	}
	cover = &plan->covers[ret->cover];
	if (spec->readonly)
		return spec_refuse(spec, -EINVAL, "with ro, its upper '%s' on a new tmpfs would always be empty",
				   upper_of(spec));
	cover->used = true;
	(void)stpcpy(ret->path, path_below(absolute, cover->dir));
	if (leads_out(ret->path) && strcmp(cover->dir, plan->dir) == 0)
		return spec_refuse(spec, -EXDEV, "upper '%s': %s", path, path_strerror(-EXDEV));
	if (leads_out(ret->path))
		return spec_refuse(spec, -EXDEV, "upper '%s' leads out of the tmpfs on '%s'; name a directory in it",
				   path, cover->dir);
	if (!*ret->path)
		return spec_refuse(spec, -EINVAL, "the tmpfs on '%s' must be on a parent directory of '%s'", cover->dir,
				   upper_of(spec));
	return 0;
}

int upper_find(const struct spec *spec, const struct plan *plan, bool *ret_made, char **ret_path)
{
	const char *path = upper_of(spec);
	_cleanup_close_ int fd = path_open(plan->dirfd, path, O_PATH | O_DIRECTORY);
	_cleanup_free_ char *parent = NULL, *at = NULL;
	char *slash;

	*ret_made = false;
	if (fd >= 0) {
		if (ret_path)
			*ret_path = path_of(fd);
		return TAKE_FD(fd);
	}
	if (fd != -ENOENT || *path == '/' || spec->readonly)
		return spec_refuse(spec, fd, "open upper '%s': %s", path, path_strerror(fd));
	/* The start makes it; its parent must exist. */
	*ret_made = true;
	parent = xasprintf("./%s", path);
	slash = strrchr(parent, '/');
	*slash = '\0';
	fd = path_open(plan->dirfd, parent, O_PATH | O_DIRECTORY);
	if (fd < 0)
		return spec_refuse(spec, fd, "make upper '%s': %s", path, path_strerror(fd));
	at = path_of(fd);
	if (ret_path)
		*ret_path = path_absolute(at, slash + 1);
	return TAKE_FD(fd);
}

int upper_check_writable(const struct spec *spec, int fd)
{
	int r = mount_is_readonly(fd);

	if (r < 0)
		return log_errno(r, "%s: look at the file system of upper '%s'", spec->where, upper_of(spec));
	return r ? spec_refuse(spec, -EROFS, "upper '%s' lies on a read-only file system", upper_of(spec)) : 0;
}

int upper_open_lowers(const struct spec *spec, struct build *build, int **lowers, size_t *n)
{
	int r;

	for (size_t i = 0; i + 1 < spec->nsources; i++) {
		int fd = path_open(build->dirfd, spec->sources[i], O_PATH | O_DIRECTORY);

		if (fd < 0)
			return log_errno(fd, "%s: open lower '%s'", spec->where, spec->sources[i]);
		*(int *)array_grow(lowers, n, sizeof(**lowers)) = fd;
		r = build_claim_lower(build, spec, fd, spec->sources[i]);
		if (r < 0)
			return r;
	}
	while (build->nroots > 0)
		*(int *)array_grow(lowers, n, sizeof(**lowers)) = build->roots[--build->nroots];
	return 0;
}

/* Give a new upper, which becomes the merged root directory, the owner and mode of the topmost lower layer. Returns 0
 * or -errno. */
static int adopt_root(int upper, int lower)
{
	_cleanup_close_ int fd = path_reopen(upper, O_RDONLY | O_DIRECTORY);
	struct stat st;

	if (fd < 0)
		return fd;
	if (fstat(lower, &st) < 0 || fchown(fd, st.st_uid, st.st_gid) < 0 || fchmod(fd, st.st_mode & 07777) < 0)
		return -errno;
	return 0;
}

int upper_open(const struct spec *spec, struct build *build, const struct upper *upper, int lower)
{
	int base = upper->cover >= 0 ? build->covers[upper->cover] : build->dirfd, r = 0;
	_cleanup_close_ int fd = path_open(base, upper->path, O_PATH | O_DIRECTORY);

	if (fd == -ENOENT && *upper->path != '/') {
		fd = path_open_made(base, upper->path);
		r = fd < 0 ? fd : adopt_root(fd, lower);
	}
	if (fd < 0 || r < 0)
		return spec_refuse(spec, r ?: fd, "open upper '%s': %s", upper_of(spec), path_strerror(r ?: fd));
	return TAKE_FD(fd);
}

int upper_claim(const struct spec *spec, struct build *build, enum directory_role role, int dir, int lower,
		const char *source, const char *what, int *ret_lock)
{
	const struct uses_directory claim = {
		.spec = spec,
		.role = role,
		.dir = dir,
		.dirfd = build->dirfd,
		.source = source,
		.what = what,
		.lower = lower,
		.wait_ms = build->wait_ms,
	};

	return uses_claim_directory(&claim, build->journal, ret_lock);
}

int upper_clone(const struct spec *spec, struct clone *clone)
{
	_cleanup_close_ int upper = -EBADF;
	int r = 0;

	for (size_t i = 0; r == 0 && i + 1 < spec->nsources; i++)
		r = clone_source(clone, spec, spec->sources[i]);
	if (r < 0 || view_is_covered(&clone->hidden, upper_of(spec)))
		return r;
	/* The start of the copy makes one that does not exist yet. */
	upper = path_open(clone->from, upper_of(spec), O_PATH | O_DIRECTORY);
	return upper == -ENOENT ? 0 : clone_source(clone, spec, upper_of(spec));
}
