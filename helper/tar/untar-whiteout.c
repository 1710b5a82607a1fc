/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * untar-whiteout - write the whiteouts and opaque directories of a tar.
 *
 * They are about the lower layers, never about this one, in whichever order the tar
 * has them. So they are kept in a file until all of this layer is there: then their
 * meaning is known. First come opaque directories, then whiteouts in directories
 * that the layer has, last those for which a directory has to be made.
 */
#include "untar-whiteout.h"
#include "untar-dirs.h"
#include "../base/cleanup.h"
#include "../delta/aufs-names.h"
#include "../delta/write.h"

#include <dirent.h>
#include <fcntl.h>

#define SPILL WH_OWN "untar" /* no entry of a tar gets such a name */

/* Make a file without a name in the layer. Returns NULL on failure, with errno. */
static FILE *spill(struct job *job)
{
	int top = job->nodes[0].fd, fd = openat(top, ".", O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
	FILE *file;

	if (fd < 0) {
		fd = openat(top, SPILL, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
		if (fd < 0 || unlinkat(top, SPILL, 0) < 0)
			return NULL;
	}
	file = fdopen(fd, "w+e");
	if (!file)
		(void)close(fd);
	return file;
}

static int keep(struct job *job, FILE **file, const struct names *names)
{
	if (!*file)
		*file = spill(job);
	if (!*file)
		return -errno;
	for (size_t i = 0; i < names->n; i++)
		if (fprintf(*file, "%s%c", names->parts[i], i + 1 < names->n ? '/' : '\0') < 0)
			return -errno;
	return 0;
}

int whiteout_defer(struct job *job)
{
	if (!job->untar->nparents)
		return 0;
	if (job->names.n == 1 && is_opaque_name(job->names.parts[0])) {
		job->top_opaque = true;
		return 0;
	}
	return keep(job, &job->whiteouts, &job->names);
}

/* Look a name up in the current directory. Returns 1: a directory; 2: something else; 0: nothing; or -errno. */
static int look(struct job *job, const char *name)
{
	struct stat st;

	if (fstatat(job_here(job)->fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -errno;
	return S_ISDIR(st.st_mode) ? 1 : 2;
}

/* Handle a name in one round. Returns 1: it waits for the next round; 0: done, or it has no meaning; or -errno. */
typedef int (*round_t)(struct job *job, struct names *names, const char *last);

/* Return whether a parent is no directory, so that the whiteout has no meaning. */
static bool in_vain(int r)
{
	return r == -ENOTDIR || r == -ELOOP;
}

static int opaques(struct job *job, struct names *names, const char *last)
{
	char *wh;
	int r = dirs_go(job, names, names->n - 1, false);

	if (r < 0)
		return r == -ENOENT ? 1 : in_vain(r) ? 0 : r;
	if (is_opaque_name(last))
		return write_opaque(&job->untar->delta, job_here(job)->fd);
	r = look(job, last + strlen(WH));
	if (r != 1)
		return r == 0 ? 1 : r < 0 ? r : 0;
	wh = names->parts[names->n - 1];
	names->parts[names->n - 1] = wh + strlen(WH);
	r = dirs_go(job, names, names->n, false);
	names->parts[names->n - 1] = wh;
	return r < 0 ? r : write_opaque(&job->untar->delta, job_here(job)->fd);
}

static int put_whiteout(struct job *job, const char *name)
{
	int r = write_whiteout(&job->untar->delta, job->nodes[0].fd, job_here(job)->fd, name);

	return r == -EEXIST ? 0 : r;
}

static int whiteouts(struct job *job, struct names *names, const char *last)
{
	int r = dirs_go(job, names, names->n - 1, false);

	if (r < 0)
		return r == -ENOENT ? 1 : in_vain(r) ? 0 : r;
	if (job_here(job)->opaque)
		return 0;
	return is_opaque_name(last) ? 1 : put_whiteout(job, last + strlen(WH));
}

static int rest(struct job *job, struct names *names, const char *last)
{
	const char *name = last + strlen(WH);
	int r = dirs_go(job, names, names->n - 1, true);

	if (r < 0)
		return r == -ENOENT || in_vain(r) ? 0 : r;
	if (job_here(job)->opaque)
		return 0;
	if (is_opaque_name(last)) {
		job_here(job)->opaque = true;
		return write_opaque(&job->untar->delta, job_here(job)->fd);
	}
	/* A directory that is here by now was made in this round, and has only whiteouts. */
	r = look(job, name);
	if (r == 1)
		r = names_remove(job, job_here(job)->fd, name);
	return r < 0 ? r : put_whiteout(job, name);
}

/* Go back to the first name of the file. That the disk is full may show only now. Returns 0 or -errno. */
static int read_back(FILE *file)
{
	if (ferror(file))
		return -EIO;
	return fflush(file) != 0 || fseeko(file, 0, SEEK_SET) < 0 ? -errno : 0;
}

static int go_round(struct job *job, round_t round, FILE *from, FILE **to)
{
	int r = read_back(from);

	while (r == 0 && getdelim(&job->text, &job->text_size, '\0', from) > 0) {
		job->name = job->text;
		r = names_split(job, &job->names, job->text);
		if (r == 0)
			r = round(job, &job->names, job->names.parts[job->names.n - 1]);
		if (r == 1)
			r = keep(job, to, &job->names);
	}
	/* A failed read is not the end of the file. */
	return r == 0 && !feof(from) ? -EIO : r;
}

/* Write a whiteout of each name of a lower's root, as overlay ignores that a layer's root is opaque. */
static int opaque_top_one(struct job *job, int parent, const char *name)
{
	struct names names = { .parts = (char *[]){ (char *)name }, .n = 1 };
	struct stat st;
	int r;

	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return 0;
	if (job->untar->delta.format == DELTA_AUFS && is_whiteout_name(name))
		return 0;
	if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (S_ISCHR(st.st_mode) && st.st_rdev == 0 && job->untar->delta.format == DELTA_OVERLAY)
		return 0;
	r = dirs_leave(job, 1);
	if (r == 0)
		r = look(job, name);
	if (r == 0)
		return put_whiteout(job, name);
	if (r != 1)
		return r < 0 ? r : 0;
	r = dirs_go(job, &names, 1, false);
	return r < 0 ? r : write_opaque(&job->untar->delta, job_here(job)->fd);
}

static int opaque_top(struct job *job, int parent)
{
	int fd = names_open(parent, ".", O_RDONLY | O_DIRECTORY), r = 0;
	const struct dirent *entry;
	DIR *dir;

	if (fd < 0)
		return fd;
	dir = fdopendir(fd);
	if (!dir) {
		(void)close(fd);
		return -ENOMEM;
	}
	while (r == 0 && (errno = 0, entry = readdir(dir)))
		r = opaque_top_one(job, parent, entry->d_name);
	if (r == 0 && errno)
		r = -errno;
	(void)closedir(dir);
	return r;
}

int whiteout_write_all(struct job *job)
{
	static const round_t rounds[] = { opaques, whiteouts, rest };
	int r = dirs_leave(job, 1);

	job->name = WH_OPQ;
	for (size_t i = 0; r == 0 && job->top_opaque && i < job->untar->nparents; i++)
		r = opaque_top(job, job->untar->parents[i]);
	for (size_t i = 0; r == 0 && !job->top_opaque && i < ARRAY_SIZE(rounds) && job->whiteouts; i++) {
		FILE *next = NULL;

		r = go_round(job, rounds[i], job->whiteouts, &next);
		(void)fclose(job->whiteouts);
		job->whiteouts = next;
		/* From now on all opaque directories are marked. */
		job->ask_opaque = true;
		if (r == 0)
			r = dirs_leave(job, 1);
	}
	return r;
}
