/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * untar-job - refusals, and names of a tar, which lead only down.
 */
#include "untar-job.h"
#include "../base/cleanup.h"
#include "../base/path.h"
#include "../base/remove.h"

#include <fcntl.h>
#include <linux/openat2.h>

int job_refuse(struct job *job, int r, const char *format, ...)
{
	va_list args;

	/* The first failure is the cause of the others. */
	if (job->why)
		return r;
	va_start(args, format);
	if (vasprintf(&job->why, format, args) < 0)
		must(NULL);
	va_end(args);
	return r;
}

int job_count(struct job *job)
{
	uint64_t limit = job->untar->limits.entries;

	if (limit && job->untar->entries >= limit)
		return job_refuse(job, -E2BIG, "more than %llu entries; --max-entries= sets this limit",
				  (unsigned long long)limit);
	job->untar->entries++;
	return 0;
}

int names_split(struct job *job, struct names *names, const char *text)
{
	size_t size = strlen(text) + 1;
	char *next;

	if (size > names->size) {
		free(names->text);
		names->text = xcalloc(1, size);
		names->size = size;
	}
	(void)memcpy(names->text, text, size);
	names->n = 0;
	if (!*text)
		return job_refuse(job, -EINVAL, "it has no name");
	if (*text == '/')
		return job_refuse(job, -EINVAL, "an absolute name");
	next = names->text;
	for (char *part; (part = strsep(&next, "/"));) {
		if (!*part || strcmp(part, ".") == 0)
			continue;
		if (strcmp(part, "..") == 0)
			return job_refuse(job, -EINVAL, "a name with ..");
		if (job->untar->limits.depth && names->n > job->untar->limits.depth)
			return job_refuse(job, -E2BIG, "more than %zu nested directories", job->untar->limits.depth);
		if (names->n == names->room)
			*ARRAY_ADD(names->parts, names->room) = NULL;
		names->parts[names->n++] = part;
	}
	return 0;
}

int names_open(int at, const char *path, int flags)
{
	return path_resolve(at, path, flags,
			    RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV);
}

int names_open_parent(int top, const struct names *names)
{
	_cleanup_free_ char *path = NULL;
	size_t n = 0;
	char *end;

	for (size_t i = 0; i + 1 < names->n; i++)
		n += strlen(names->parts[i]) + 1;
	if (n == 0)
		return names_open(top, ".", O_PATH | O_DIRECTORY);
	path = xcalloc(1, n + 1);
	end = path;
	for (size_t i = 0; i + 1 < names->n; i++)
		end = mempcpy(mempcpy(end, names->parts[i], strlen(names->parts[i])), "/", 1);
	return names_open(top, path, O_PATH | O_DIRECTORY);
}

int names_remove(struct job *job, int fd, const char *name)
{
	int r;

	if (unlinkat(fd, name, 0) == 0)
		return 0;
	if (errno != EISDIR)
		return -errno;
	r = remove_tree(fd, name, NULL);
	return r < 0 ? job_refuse(job, r, "what was there before cannot be removed: %s", strerror(-r)) : 0;
}
