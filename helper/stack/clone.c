/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * clone - copy the relative sources of a stack, which belong to its container.
 *
 * A copy has a temporary name until it is complete. If it is interrupted, the
 * new container has no image and does not start; it never has half an image.
 */
#include "clone.h"
#include "type.h"
#include "../kernel/aufs-info.h"
#include "../uses/aufs-users.h"
#include "../base/cleanup.h"
#include "../kernel/image.h"
#include "../base/log.h"
#include "../kernel/overlay.h"
#include "../base/path.h"
#include "../base/process.h"

#include <fcntl.h>
#include <sys/stat.h>

#define PART ".part"

static bool is_done(const struct clone *clone, const char *source)
{
	for (size_t i = 0; i < clone->ndone; i++)
		if (path_below(source, clone->done[i]))
			return true;
	return false;
}

/* Open or make the parent of a path in the new container; *ret_base: the last component. Returns the fd or -errno. */
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

/* Check that the source has no writer. An image stays locked against writers while the descriptor is open. Returns 0 or
 * -errno (logged). */
static int check_unused(const struct spec *spec, int from, const struct stat *st)
{
	_cleanup_close_ int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	bool shared;
	int r;

	if (S_ISDIR(st->st_mode)) {
		r = root < 0 ? -EBADF : overlayfs_in_use(from, root) ?: aufs_in_use(from);
		if (r < 0)
			return log_errno(r, "%s: cannot copy: look for its users", spec->where);
		return r ? spec_refuse(spec, -EBUSY, "cannot copy: it is in use") : 0;
	}
	r = image_lock(from, true, false, 1000, &shared);
	if (r == -EBUSY || r == -EWOULDBLOCK)
		return spec_refuse(spec, -EBUSY, "cannot copy: it is open for writing");
	return r < 0 ? log_errno(r, "%s: cannot copy: lock it", spec->where) : 0;
}

static int copy_image(struct clone *clone, int from, int parent, const char *part, const struct stat *st)
{
	_cleanup_close_ int to = openat(parent, part, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	int r = to < 0 ? -errno : copy_file(from, to, &clone->copy);

	if (r == 0 && (fchown(to, st->st_uid, st->st_gid) < 0 || fchmod(to, st->st_mode & 07777) < 0))
		r = -errno;
	return r;
}

static int copy_dir(struct clone *clone, int from, int parent, const char *part)
{
	_cleanup_close_ int to = -EBADF;

	if (mkdirat(parent, part, 0700) < 0)
		return -errno;
	to = openat(parent, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return to < 0 ? -errno : copy_tree(from, to, &clone->copy);
}

int clone_shared(const struct clone *clone, const struct spec *spec, const char *source)
{
	_cleanup_free_ char *real = realpath(source, NULL);

	if (!real && errno != ENOENT && errno != ENOTDIR)
		return log_errno(-errno, "%s: look up '%s'", spec->where, source);
	if (!real || !path_below(real, clone->from_dir) || path_below(real, clone->to_dir))
		return 0;
	return spec_refuse(spec, -EINVAL,
			   "'%s' is in the directory of the source container, and is destroyed with that; name it by "
			   "a relative path",
			   source);
}

/* Give a complete copy its name. Returns 0 or -errno. */
static int give_name(int parent, const char *part, const char *base)
{
	struct stat st;

	if (renameat2(parent, part, parent, base, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -errno;
	/* The file system has no RENAME_NOREPLACE. No other process makes files here. */
	if (fstatat(parent, base, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return -EEXIST;
	return renameat(parent, part, parent, base) < 0 ? -errno : 0;
}

int clone_source(struct clone *clone, const struct spec *spec, const char *source)
{
	_cleanup_free_ char *path = path_absolute("", source), *part = NULL;
	_cleanup_close_ int from = -EBADF, parent = -EBADF;
	const char *base;
	struct stat st;
	int r;

	if (*source == '/')
		return clone_shared(clone, spec, source);
	if (!*source || is_done(clone, path))
		return 0;
	if (!path[1])
		return spec_refuse(spec, -EINVAL, "cannot copy '%s': it is the container's directory itself", source);
	from = path_open(clone->from, source, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	if (from < 0 || fstat(from, &st) < 0)
		return spec_refuse(spec, from < 0 ? from : -errno, "copy '%s/%s': %s", clone->from_dir, source,
				   path_strerror(from < 0 ? from : -errno));
	if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
		return spec_refuse(spec, -EINVAL, "'%s' is neither a file nor a directory", source);
	r = check_unused(spec, from, &st);
	if (r < 0 || clone->dry)
		return r;
	parent = open_parent(clone->to, path + 1, &base);
	if (parent < 0)
		return log_errno(parent, "make the directory of '%s/%s'", clone->to_dir, source);
	part = xasprintf(".%s" PART, base);
	*clone->copy.error = '\0';
	r = S_ISREG(st.st_mode) ? copy_image(clone, from, parent, part, &st) : copy_dir(clone, from, parent, part);
	if (r == 0)
		r = give_name(parent, part, base);
	if (r < 0) {
		/* This removes a file. An incomplete tree is removed by LXC with the container. */
		(void)unlinkat(parent, part, 0);
		return log_errno(r, "copy '%s/%s%s%s' to '%s'", clone->from_dir, source, *clone->copy.error ? "/" : "",
				 clone->copy.error, clone->to_dir);
	}
	*ARRAY_ADD(clone->done, clone->ndone) = TAKE_PTR(path);
	return 0;
}

int clone_make_dir(struct clone *clone, const char *source)
{
	bool make = *source != '/' && !clone->dry;
	_cleanup_close_ int fd = make ? path_open_made(clone->to, source) : -EBADF;

	return make && fd < 0 ? log_errno(fd, "make '%s/%s'", clone->to_dir, source) : 0;
}

bool clone_owns(const struct spec *spec)
{
	const struct bdev_type *type = bdev_find(spec->type);
	const char *written = spec->sources[type && type->writes_last ? spec->nsources - 1 : 0];

	return *written && *written != '/';
}

static struct process caller;
#define CALLER_LOOK_MS 100

void clone_end_with(pid_t pid)
{
	if (pid <= 1 || process_identify(pid, &caller) < 0)
		caller = (struct process){ 0 };
}

/* Report progress, and end this process if LXC's program was killed: the clone must not grow while it is destroyed. It
 * remains marked as incomplete. Returns 0 or -errno. */
static int tick(struct copy *copy)
{
	static long long looked;
	int r = progress_tick(copy);

	if (r < 0 || !caller.pid || process_clock() - looked < CALLER_LOOK_MS)
		return r;
	looked = process_clock();
	if (process_alive(&caller))
		return 0;
	log_error("copy aborted: the program that requested it has ended");
	_exit(EXIT_FAILURE);
}

/* Let each type copy its part. Returns 0 or -errno (logged). */
static int each_spec(struct clone *clone, const struct stack *stack)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < stack->n; i++) {
		const struct spec *spec = &stack->specs[i];
		const struct bdev_type *type = bdev_check(spec);

		r = !type	  ? -EMALFORMED
		    : type->clone ? type->clone(spec, clone)
				  : clone_source(clone, spec, spec->sources[0]);
	}
	for (size_t i = 0; i < clone->ndone; i++)
		free(clone->done[i]);
	for (size_t i = 0; i < clone->hidden.ncovers; i++)
		free(clone->hidden.covers[i]);
	free(clone->hidden.covers);
	free(clone->done);
	return r;
}

int clone_stack_check(const struct stack *stack, const char *from, const char *to)
{
	_cleanup_close_ int fd = open(from, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct clone clone = {
		.from_dir = from, .to_dir = to, .called = to, .from = fd, .to = -EBADF, .dry = true, .hidden.dir = ""
	};

	return fd < 0 ? log_errno(-errno, "open '%s'", from) : each_spec(&clone, stack);
}

int clone_stack(const struct stack *stack, const char *from, const char *to, const char *called)
{
	struct clone clone = {
		.from_dir = from,
		.to_dir = to,
		.called = called,
		.from = open(from, O_PATH | O_DIRECTORY | O_CLOEXEC),
		.to = open(to, O_RDONLY | O_DIRECTORY | O_CLOEXEC),
		.hidden.dir = "",
	};
	int r = clone.from < 0 || clone.to < 0 ? log_errno(-errno, "open '%s'", clone.from < 0 ? from : to) : 0;

	progress_begin(&clone.progress, "copied", &clone.copy);
	clone.copy.tick = tick;
	if (r == 0)
		r = each_spec(&clone, stack);
	progress_end(&clone.progress);
	cleanup_close(&clone.from);
	cleanup_close(&clone.to);
	return r;
}
