/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * untar-dirs - the chain of open directories, from the top to the current one.
 *
 * A tar goes through its tree in order, so nearly each entry is in an open
 * directory. Of a directory that was left nothing is remembered: when the tar comes
 * back to it, it is read from the disk.
 */
#include "untar-dirs.h"
#include "untar-attributes.h"
#include "../base/cleanup.h"
#include "../delta/aufs-names.h"

#include <fcntl.h>
#include <sys/xattr.h>

#define OPEN_MAX_NODES 200
#define ACL_DEFAULT    "system.posix_acl_default"

/* Keep in the node, and remove from the directory, what would be inherited by files made in it. */
static int suspend(struct node *node)
{
	struct stat st;
	ssize_t n;

	if (fstat(node->fd, &st) < 0)
		return -errno;
	node->dev = st.st_dev;
	node->ino = st.st_ino;
	node->times[0] = st.st_atim;
	node->times[1] = st.st_mtim;
	node->setgid = st.st_mode & S_ISGID;
	if (node->setgid && fchmod(node->fd, st.st_mode & 07777 & ~(mode_t)S_ISGID) < 0)
		return -errno;
	n = fgetxattr(node->fd, ACL_DEFAULT, NULL, 0);
	if (n <= 0)
		return n == 0 || errno == ENODATA || errno == EOPNOTSUPP ? 0 : -errno;
	node->acl = xcalloc(1, (size_t)n);
	n = fgetxattr(node->fd, ACL_DEFAULT, node->acl, (size_t)n);
	node->acl_size = n > 0 ? (size_t)n : 0;
	return n < 0 || fremovexattr(node->fd, ACL_DEFAULT) < 0 ? -errno : 0;
}

static int restore(struct node *node)
{
	struct stat st;

	if (node->acl_size && fsetxattr(node->fd, ACL_DEFAULT, node->acl, node->acl_size, 0) < 0)
		return -errno;
	/* The current mode, as an ACL may have changed it. */
	if (node->setgid && (fstat(node->fd, &st) < 0 || fchmod(node->fd, (st.st_mode & 07777) | S_ISGID) < 0))
		return -errno;
	return futimens(node->fd, node->times) < 0 ? -errno : 0;
}

static void drop(struct job *job)
{
	struct node *node = job_here(job);

	cleanup_close(&node->fd);
	free(node->name);
	free(node->acl);
	job->n--;
}

/* Open the parent directory again by "..", if it was closed, and check that it is the same. Returns 0 or -errno. */
static int reopen(struct job *job)
{
	struct node *node = &job->nodes[job->n - 2];
	struct stat st;

	if (node->fd >= 0)
		return 0;
	node->fd = openat(job_here(job)->fd, "..", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (node->fd < 0 || fstat(node->fd, &st) < 0)
		return -errno;
	return st.st_dev == node->dev && st.st_ino == node->ino ? 0 : -ESTALE;
}

int dirs_leave(struct job *job, size_t n)
{
	while (job->n > n) {
		int r = job->n > 1 ? reopen(job) : 0;

		if (r == 0)
			r = restore(job_here(job));
		if (r < 0)
			return r;
		drop(job);
	}
	return 0;
}

void dirs_free(struct job *job)
{
	while (job->n)
		drop(job);
	free(job->nodes);
}

static struct node *push(struct job *job, int fd, const char *name)
{
	bool opaque = job->n && job_here(job)->opaque;
	struct node *node;

	/* Room is kept, as the chain grows and shrinks with each directory. */
	if ((job->n & (job->n - 1)) == 0)
		job->nodes = must(reallocarray(job->nodes, job->n ? 2 * job->n : 1, sizeof(*job->nodes)));
	node = &job->nodes[job->n++];
	*node = (struct node){ .fd = fd, .name = xstrdup(name), .opaque = opaque };
	if (job->n > OPEN_MAX_NODES + 1) {
		struct node *far = &job->nodes[job->n - OPEN_MAX_NODES];

		cleanup_close(&far->fd);
		far->fd = -EBADF;
	}
	return node;
}

/* Return 1 if the directory has the name; 0; or -errno. */
static int has(int fd, const char *name)
{
	if (faccessat(fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return 1;
	return errno == ENOENT || errno == ENAMETOOLONG ? 0 : -errno;
}

/* Enter an existing directory. Returns 0 or -errno. */
static int enter(struct job *job, const char *name)
{
	int fd = names_open(job_here(job)->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
	struct node *node;

	if (fd < 0)
		return fd;
	node = push(job, fd, name);
	if (job->ask_opaque && !node->opaque) {
		int r = delta_is_opaque(&job->untar->delta, fd);

		if (r < 0)
			return r;
		node->opaque = r;
	}
	return suspend(node);
}

/* Make and enter a directory, whose attributes the caller sets. Returns 0 or -errno. */
static int make(struct job *job, const char *name)
{
	int fd;

	if (mkdirat(job_here(job)->fd, name, 0755) < 0)
		return -errno;
	fd = names_open(job_here(job)->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
	if (fd < 0)
		return fd;
	(void)push(job, fd, name);
	return 0;
}

/* Open the directory in the nearest lower layer that has the name. Returns a descriptor, or -errno: it is no directory.
 */
static int open_lower(const struct job *job, const char *path)
{
	int fd = -ENOENT;

	/* A file there, or a whiteout, hides the further lower layers. */
	for (size_t i = 0; fd == -ENOENT && i < job->untar->nparents; i++)
		fd = names_open(job->untar->parents[i], path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
	return fd;
}

/* Give a directory without an entry the attributes of the nearest lower one (fd), or defaults. Returns 0 or -errno. */
static int inherit(struct job *job, struct node *node, int fd)
{
	struct stat st = { .st_mode = 0755, .st_atim = job->now, .st_mtim = job->now };

	if (fd >= 0 && fstat(fd, &st) < 0)
		return -errno;
	node->times[0] = st.st_atim;
	node->times[1] = st.st_mtim;
	node->setgid = st.st_mode & S_ISGID;
	if (fchown(node->fd, st.st_uid, st.st_gid) < 0 || fchmod(node->fd, st.st_mode & 07777 & ~(mode_t)S_ISGID) < 0)
		return -errno;
	return fd >= 0 ? attributes_copy(job, fd, node) : 0;
}

/* Return the path of a name in the chain, for the caller to free. */
static char *path_of_chain(const struct job *job, const char *name)
{
	size_t n = strlen(name) + 1;
	char *path, *end;

	for (size_t i = 1; i < job->n; i++)
		n += strlen(job->nodes[i].name) + 1;
	end = path = xcalloc(1, n);
	for (size_t i = 1; i < job->n; i++)
		end = mempcpy(mempcpy(end, job->nodes[i].name, strlen(job->nodes[i].name)), "/", 1);
	(void)stpcpy(end, name);
	return path;
}

static int make_missing(struct job *job, const char *name)
{
	_cleanup_free_ char *path = path_of_chain(job, name);
	_cleanup_close_ int lower = open_lower(job, path);
	struct stat st;
	int r;

	/* A whiteout below a file would remove nothing, and its directory would hide the file. */
	if ((lower == -ENOTDIR || lower == -ELOOP) && job->ask_opaque)
		return lower;
	r = job_count(job);
	if (r == 0)
		r = make(job, name);
	if (r < 0)
		return r;
	if (fstat(job_here(job)->fd, &st) < 0)
		return -errno;
	job_here(job)->dev = st.st_dev;
	job_here(job)->ino = st.st_ino;
	return inherit(job, job_here(job), lower);
}

/* Return how many of the names the chain has. */
static size_t common(const struct job *job, const struct names *names, size_t n)
{
	size_t i = 0;

	while (i < n && i + 1 < job->n && strcmp(job->nodes[i + 1].name, names->parts[i]) == 0)
		i++;
	return i;
}

/* Return 1 if there is a whiteout of the name in aufs format (in overlay format it has the name itself); 0; or -errno.
 */
static int is_whiteout(struct job *job, const char *name)
{
	char wh[sizeof(WH) + NAME_MAX];

	if (job->untar->delta.format != DELTA_AUFS || !job->ask_opaque)
		return 0;
	(void)snprintf(wh, sizeof(wh), WH "%s", name);
	return has(job_here(job)->fd, wh);
}

int dirs_go(struct job *job, const struct names *names, size_t n, bool make_them)
{
	size_t i = common(job, names, n);
	int r = dirs_leave(job, i + 1);

	for (; r == 0 && i < n; i++) {
		r = enter(job, names->parts[i]);
		if (r != -ENOENT || !make_them)
			continue;
		r = is_whiteout(job, names->parts[i]);
		if (r)
			return r < 0 ? r : -ENOTDIR;
		/* Whiteouts in an opaque directory hide nothing, so nothing is made. */
		r = job_here(job)->opaque ? -ENOENT : make_missing(job, names->parts[i]);
	}
	return r;
}

/* Set the attributes of the current directory to the entry's. Returns 0 or -errno. */
static int set_all(struct job *job, struct archive_entry *entry, bool fresh)
{
	struct node *node = job_here(job);
	struct attributes attributes;
	mode_t mode;
	struct stat st;
	int r = attributes_read(job, entry, &attributes);

	if (r < 0)
		return r;
	if (fstat(node->fd, &st) < 0)
		return -errno;
	node->dev = st.st_dev;
	node->ino = st.st_ino;
	if (!fresh) {
		r = attributes_clear(node->fd);
		if (r < 0)
			return r;
		free(node->acl);
		node->acl = NULL;
		node->acl_size = 0;
	}
	mode = attributes.mode & 07777 & ~(mode_t)S_ISGID;
	if ((st.st_uid != attributes.uid || st.st_gid != attributes.gid) &&
	    fchown(node->fd, attributes.uid, attributes.gid) < 0)
		return -errno;
	if ((st.st_mode & 07777) != mode && fchmod(node->fd, mode) < 0)
		return -errno;
	node->setgid = attributes.mode & S_ISGID;
	node->times[0] = attributes.times[0];
	node->times[1] = attributes.times[1];
	return attributes_set_extended(job, entry, node->fd, NULL, node);
}

int dirs_extract(struct job *job, struct archive_entry *entry)
{
	const struct names *names = &job->names;
	const char *name;
	bool fresh = false;
	int r;

	if (common(job, names, names->n) == names->n) {
		r = dirs_leave(job, names->n + 1);
		return r < 0 ? r : set_all(job, entry, false);
	}
	name = names->parts[names->n - 1];
	r = dirs_go(job, names, names->n - 1, true);
	for (bool again = true; r == 0; again = false) {
		r = make(job, name);
		fresh = r == 0;
		if (r == -EEXIST)
			r = enter(job, name);
		/* A file has the name. */
		if ((r != -ENOTDIR && r != -ELOOP) || !again)
			break;
		r = names_remove(job, job_here(job)->fd, name);
	}
	return r < 0 ? r : set_all(job, entry, fresh);
}

int dirs_start(struct job *job, int to)
{
	_cleanup_close_ int lower = open_lower(job, ".");
	struct node *node;
	int fd = openat(to, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r;

	if (fd < 0)
		return -errno;
	node = push(job, fd, "");
	r = suspend(node);
	if (r == 0)
		r = attributes_clear(fd);
	free(node->acl);
	node->acl = NULL;
	node->acl_size = 0;
	return r < 0 ? r : inherit(job, node, lower);
}
