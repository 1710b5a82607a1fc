/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * clone - copy what a container owns: the relative sources of its stack.
 *
 * Copies are made under another name and get theirs when they are whole: what
 * is killed half way is a container that says that its image does not exist,
 * never one with half an image.
 */
#include "clone.h"
#include "../bdev/bdev.h"
#include "cleanup.h"
#include "image.h"
#include "overlayfs.h"
#include "path.h"
#include "proc.h"

#include <fcntl.h>
#include <sys/stat.h>

#define PART	      ".part"
#define PROGRESS_MS   500
#define FIRST_SHOW_MS 1000

/* LXC has our stdout and stderr. */
static void show_progress(struct copy *copy)
{
	struct clone *clone = copy->arg;
	long long now = proc_now();

	if (now - clone->since < FIRST_SHOW_MS || now - clone->shown < PROGRESS_MS)
		return;
	if (!clone->shown)
		clone->terminal = open("/dev/tty", O_WRONLY | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
	clone->shown = now;
	if (clone->terminal >= 0)
		(void)dprintf(clone->terminal, "\rlxc-bdev: copied %llu MiB, %llu files ",
			      (unsigned long long)(copy->bytes >> 20), (unsigned long long)copy->files);
}

static void end_progress(struct clone *clone)
{
	if (clone->terminal < 0)
		return;
	(void)dprintf(clone->terminal, "\r\033[K");
	cleanup_close(&clone->terminal);
}

static bool is_done(const struct clone *clone, const char *source)
{
	for (size_t i = 0; i < clone->ndone; i++)
		if (path_below(source, clone->done[i]))
			return true;
	return false;
}

/* The directory of the new container that the path is in, and its last part. fd or -errno. */
static int open_parent(int dirfd, const char *path, const char **ret_base)
{
	_cleanup_free_ char *parent = xstrdup(path);
	char *slash = strrchr(parent, '/');

	*ret_base = slash ? strrchr(path, '/') + 1 : path;
	if (!slash)
		return fcntl(dirfd, F_DUPFD_CLOEXEC, 3);
	*slash = '\0';
	return path_open_made(dirfd, parent);
}

static int copy_image(struct clone *clone, const struct spec *spec, int from, int parent, const char *part,
		      const struct stat *st)
{
	_cleanup_close_ int to = openat(parent, part, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	bool shared;
	int r;

	if (to < 0)
		return -errno;
	r = image_lock(from, true, false, 1000, &shared);
	if (r == -EWOULDBLOCK || r == -EBUSY)
		return spec_refuse(spec, -EBUSY, "not copied: somebody writes to it");
	if (r == 0)
		r = copy_file(from, to, &clone->copy);
	if (r == 0 && (fchown(to, st->st_uid, st->st_gid) < 0 || fchmod(to, st->st_mode & 07777) < 0))
		r = -errno;
	return r;
}

static int copy_dir(struct clone *clone, const struct spec *spec, int from, int parent, const char *part)
{
	_cleanup_close_ int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC), to = -EBADF;

	if (overlayfs_in_use(from, root))
		return spec_refuse(spec, -EBUSY, "not copied: it is in use");
	if (mkdirat(parent, part, 0700) < 0)
		return -errno;
	to = openat(parent, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return to < 0 ? -errno : copy_tree(from, to, &clone->copy);
}

/* Of a file that was copied, all; of a tree, LXC removes what is left with the container. */
static void forget_part(int parent, const char *part)
{
	(void)unlinkat(parent, part, 0);
}

int clone_source(struct clone *clone, const struct spec *spec, const char *source)
{
	_cleanup_free_ char *path = path_absolute("", source), *part = NULL;
	_cleanup_close_ int from = -EBADF, parent = -EBADF;
	const char *base;
	struct stat st;
	int r;

	if (!*source || *source == '/' || is_done(clone, path))
		return 0;
	from = path_open(clone->from, source, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	if (from < 0 || fstat(from, &st) < 0)
		return spec_refuse(spec, from < 0 ? from : -errno, "copy '%s/%s': %s", clone->from_dir, source,
				   path_strerror(from < 0 ? from : -errno));
	parent = open_parent(clone->to, path + 1, &base);
	if (parent < 0)
		return log_errno(parent, "make the directory of '%s/%s'", clone->to_dir, source);
	part = xasprintf(".%s" PART, base);
	*clone->copy.error = '\0';
	if (S_ISREG(st.st_mode))
		r = copy_image(clone, spec, from, parent, part, &st);
	else if (S_ISDIR(st.st_mode))
		r = copy_dir(clone, spec, from, parent, part);
	else
		r = spec_refuse(spec, -EINVAL, "'%s' is neither a file nor a directory", source);
	if (r == 0 && renameat2(parent, part, parent, base, RENAME_NOREPLACE) < 0)
		r = -errno;
	if (r < 0) {
		forget_part(parent, part);
		return r == -EBUSY || r == -EINVAL
			       ? r
			       : log_errno(r, "copy '%s/%s%s%s' to '%s'", clone->from_dir, source,
					   *clone->copy.error ? "/" : "", clone->copy.error, clone->to_dir);
	}
	*ARRAY_ADD(clone->done, clone->ndone) = TAKE_PTR(path);
	return 0;
}

int clone_make_dir(struct clone *clone, const struct spec *spec, const char *source)
{
	_cleanup_close_ int fd = *source == '/' ? -EBADF : path_open_made(clone->to, source);

	(void)spec;
	return fd < 0 && *source != '/' ? log_errno(fd, "make '%s/%s'", clone->to_dir, source) : 0;
}

int clone_stack(const struct stack *stack, const char *from, const char *to)
{
	struct clone clone = {
		.from_dir = from,
		.to_dir = to,
		.from = open(from, O_PATH | O_DIRECTORY | O_CLOEXEC),
		.to = open(to, O_RDONLY | O_DIRECTORY | O_CLOEXEC),
		.copy.tick = show_progress,
		.hidden.dir = "",
		.since = proc_now(),
		.terminal = -EBADF,
	};
	int r = clone.from < 0 || clone.to < 0 ? log_errno(-errno, "open '%s'", clone.from < 0 ? from : to) : 0;

	clone.copy.arg = &clone;
	for (size_t i = 0; r == 0 && i < stack->n; i++) {
		const struct spec *spec = &stack->specs[i];
		const struct bdev_type *type = bdev_check(spec);

		r = !type	  ? -EINVAL
		    : type->clone ? type->clone(spec, &clone)
				  : clone_source(&clone, spec, spec->sources[0]);
	}
	end_progress(&clone);
	for (size_t i = 0; i < clone.ndone; i++)
		free(clone.done[i]);
	for (size_t i = 0; i < clone.hidden.ncovers; i++)
		free(clone.hidden.covers[i]);
	free(clone.hidden.covers);
	free(clone.done);
	cleanup_close(&clone.from);
	cleanup_close(&clone.to);
	return r;
}
