/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * untar-file - extract files, links and devices.
 */
#include "untar-file.h"
#include "untar-attributes.h"
#include "../base/cleanup.h"

#include <fcntl.h>
#include <sys/sysmacros.h>

#define FLUSH	  (64 << 10) /* a file of this size is written back at once */
#define MAJOR_MAX 0xfffU     /* the kernel's MINORBITS are 20, of 32 */
#define MINOR_MAX 0xfffffU
#define HOLE	  4096 /* zeros of this many bytes are not written */

static int write_all(int fd, const char *data, size_t n, uint64_t offset)
{
	while (n) {
		ssize_t done = pwrite(fd, data, n, (off_t)offset);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return done < 0 ? -errno : -EIO;
		data += done;
		n -= (size_t)done;
		offset += (uint64_t)done;
	}
	return 0;
}

static bool zeros(const char *data, size_t n)
{
	return !data[0] && memcmp(data, data + 1, n - 1) == 0;
}

/* How much of a file was written so far. */
struct written {
	uint64_t bytes, end;
};

/* Write the data, without blocks of zeros. */
static int write_some(int fd, const char *data, size_t n, uint64_t offset, struct written *written)
{
	size_t from = 0, to = 0;
	int r = 0;

	while (r == 0 && from < n) {
		/* Up to the end of the block. */
		size_t step = HOLE - (size_t)((offset + to) % HOLE);
		bool hole;

		step = step < n - to ? step : n - to;
		hole = step && zeros(data + to, step);
		if (step && !hole) {
			to += step;
			continue;
		}
		if (to > from) {
			r = write_all(fd, data + from, to - from, offset + from);
			written->bytes += to - from;
			written->end = offset + to;
		}
		to += step;
		from = to;
	}
	return r;
}

/* Read the next of the entry's data. Returns 1, 0 or -errno. */
static int read_data(struct job *job, const void **data, size_t *n, uint64_t *offset)
{
	uint64_t limit = job->untar->limits.bytes;
	int r = input_data(&job->input, data, n, offset);

	if (r < 0)
		return job_refuse(job, r, "%s", job->input.why);
	job->bytes += r ? *n : 0;
	if (r > 0 && job->untar->progress) {
		int ended = copy_progress(job->untar->progress, *n, 0);

		if (ended < 0)
			return ended;
	}
	if (limit && job->bytes > limit)
		return job_refuse(job, -EFBIG, "more than %llu bytes of data; --max-bytes= sets this limit",
				  (unsigned long long)limit);
	return r;
}

int file_skip(struct job *job)
{
	const void *data;
	uint64_t offset;
	size_t n;
	int r;

	while ((r = read_data(job, &data, &n, &offset)) > 0)
		continue;
	return r;
}

static int write_data(struct job *job, int fd, uint64_t size)
{
	const void *data;
	struct written written = { 0 };
	struct stat st;
	uint64_t offset;
	size_t n;
	int r;

	if (size > INT64_MAX)
		return job_refuse(job, -EINVAL, "invalid size");
	while ((r = read_data(job, &data, &n, &offset)) > 0) {
		if (offset > size || n > size - offset)
			return job_refuse(job, -EINVAL, "it has data beyond its size");
		r = write_some(fd, data, n, offset, &written);
		if (r < 0)
			return r;
	}
	if (r < 0)
		return r;
	if (written.end < size && ftruncate(fd, (off_t)size) < 0)
		return -errno;
	/* The same result as diffsize()'s. */
	if (written.bytes < size) {
		if (fstat(fd, &st) < 0)
			return -errno;
		written.bytes = (uint64_t)st.st_blocks * 512;
	}
	job->untar->size += written.bytes < size ? written.bytes : size;
	return 0;
}

/* Set owner, then mode, then extended attributes, as each clears some of the next. Times are last. */
static int finish(struct job *job, struct archive_entry *entry, const struct attributes *attributes, int fd,
		  const char *name)
{
	int dir = fd >= 0 ? fd : job_here(job)->fd, flags = fd >= 0 ? AT_EMPTY_PATH : AT_SYMLINK_NOFOLLOW, r;

	if ((attributes->uid != job->uid || attributes->gid != job->gid) &&
	    fchownat(dir, fd >= 0 ? "" : name, attributes->uid, attributes->gid, flags) < 0)
		return -errno;
	/* It was made with its mode, save bits that a new owner or the kernel clears. */
	if (attributes->mode & 07000 && archive_entry_filetype(entry) != AE_IFLNK &&
	    (fd >= 0 ? fchmod(fd, attributes->mode) : fchmodat(dir, name, attributes->mode, 0)) < 0)
		return -errno;
	r = attributes_set_extended(job, entry, fd, fd >= 0 ? NULL : name, NULL);
	if (r < 0)
		return r;
	return (fd >= 0 ? futimens(fd, attributes->times)
			: utimensat(dir, name, attributes->times, AT_SYMLINK_NOFOLLOW)) < 0
		       ? -errno
		       : 0;
}

/* Read the device's number, which makedev(3) would cut if it is too big. Returns 0 or -EINVAL. */
static int device_of(struct job *job, struct archive_entry *entry, dev_t *ret)
{
	dev_t major = archive_entry_rdevmajor(entry), minor = archive_entry_rdevminor(entry);

	if (major > MAJOR_MAX || minor > MINOR_MAX)
		return job_refuse(job, -EINVAL, "a device number that Linux does not have, %lld:%lld", (long long)major,
				  (long long)minor);
	*ret = makedev((unsigned int)major, (unsigned int)minor);
	return 0;
}

/* Make the file. *ret: the descriptor of a regular one. Returns 0 or -errno. */
static int make(struct job *job, struct archive_entry *entry, const struct attributes *attributes, const char *name,
		int *ret)
{
	mode_t type = archive_entry_filetype(entry);
	int dir = job_here(job)->fd, r;
	dev_t dev = 0;

	if (type == AE_IFREG) {
		*ret = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY,
			      attributes->mode & 0777);
		return *ret < 0 ? -errno : 0;
	}
	if (type == AE_IFLNK)
		return symlinkat(archive_entry_symlink(entry) ?: "", dir, name) < 0 ? -errno : 0;
	if (type == AE_IFCHR || type == AE_IFBLK) {
		r = device_of(job, entry, &dev);
		if (r < 0)
			return r;
	}
	if (type == AE_IFCHR && dev == 0)
		return job_refuse(job, -EINVAL, "a character device 0:0, which overlay takes for a whiteout");
	return mknodat(dir, name, type | (attributes->mode & 0777), dev) < 0 ? -errno : 0;
}

static int link_to(struct job *job, const char *target, const char *name)
{
	_cleanup_close_ int parent = -EBADF;
	struct stat there, here;
	const char *last;
	int r, dir = job_here(job)->fd;

	/* Some tars have them relative to the top of the layer, with a slash. */
	while (*target == '/')
		target++;
	r = names_split(job, &job->link, target);
	if (r == 0 && !job->link.n)
		r = -EINVAL;
	if (r < 0)
		return job_refuse(job, r, "invalid target of a link");
	last = job->link.parts[job->link.n - 1];
	parent = names_open_parent(job->nodes[0].fd, &job->link);
	if (parent < 0 || fstatat(parent, last, &there, AT_SYMLINK_NOFOLLOW) < 0) {
		r = parent < 0 ? parent : -errno;
		return job_refuse(job, r, "a link to '%s': %s", target,
				  r == -ENOENT ? "this layer has no such file" : strerror(-r));
	}
	if (S_ISDIR(there.st_mode))
		return job_refuse(job, -EISDIR, "a link to '%s', a directory", target);
	while (linkat(parent, last, dir, name, 0) < 0) {
		if (errno != EEXIST || fstatat(dir, name, &here, AT_SYMLINK_NOFOLLOW) < 0)
			return errno == ENOENT ? -ENOENT
					       : job_refuse(job, -errno, "a link to '%s': %s", target, strerror(errno));
		if (here.st_dev == there.st_dev && here.st_ino == there.st_ino)
			return 0;
		r = names_remove(job, dir, name);
		if (r < 0)
			return r;
	}
	return 0;
}

int file_extract(struct job *job, struct archive_entry *entry, const char *name)
{
	const char *target = archive_entry_hardlink(entry);
	_cleanup_close_ int fd = -EBADF;
	struct attributes attributes;
	int r;

	if (target) {
		r = link_to(job, target, name);
		return r < 0 ? r : file_skip(job);
	}
	r = attributes_read(job, entry, &attributes);
	if (r < 0)
		return r;
	r = make(job, entry, &attributes, name, &fd);
	if (r == -EEXIST) {
		r = names_remove(job, job_here(job)->fd, name);
		if (r == 0)
			r = make(job, entry, &attributes, name, &fd);
	}
	if (r == 0)
		r = fd >= 0 ? write_data(job, fd, (uint64_t)archive_entry_size(entry)) : file_skip(job);
	if (r == 0)
		r = finish(job, entry, &attributes, fd, name);
	if (r < 0 || fd < 0)
		return r;
	if (archive_entry_size(entry) >= FLUSH)
		flush_file(&job->flush, TAKE_FD(fd));
	else if (close(TAKE_FD(fd)) < 0)
		return -errno;
	return 0;
}
