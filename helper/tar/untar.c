/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * untar - extract a tar, which is not trusted, to a layer's directory.
 *
 * Names are split and opened one by one below the directory, so nothing in the tar
 * leads out of it, nor does anything that it has put there. What a name means in
 * the layer's whiteout format is decided here: no name or attribute by which a
 * format marks a delta is taken from the tar as it is.
 */
#include "untar-job.h"
#include "untar-dirs.h"
#include "untar-file.h"
#include "untar-whiteout.h"
#include "../base/cleanup.h"
#include "../base/log.h"
#include "../base/remove.h"
#include "../delta/aufs-names.h"
#include "../delta/aufs-opaque.h"

#define SHOWN	200	  /* bytes of a name */
#define HEADERS (1 << 20) /* headers that do not count, for small limits */

const struct untar_limits untar_defaults = {
	.bytes = 1ULL << 40,
	.entries = 10000000,
	.depth = 256, /* for each directory that is only implied, its path is walked in each lower layer */
	.attributes = 1 << 20,
};

enum meaning { FILE_OR_DIR, WHITEOUT, PSEUDO_LINK, SKIPPED };

/* Find the meaning of a name, from its parts. Returns 0 or -errno. */
static int meaning_of(struct job *job, struct archive_entry *entry, enum meaning *ret)
{
	const struct names *names = &job->names;
	bool plain = archive_entry_hardlink(entry) || archive_entry_filetype(entry) == AE_IFREG;

	*ret = FILE_OR_DIR;
	for (size_t i = 0; i < names->n; i++) {
		const char *part = names->parts[i], *name = part + strlen(WH);
		bool last = i + 1 == names->n;

		if (!is_whiteout_name(part))
			continue;
		if (is_aufs_own_name(part) && !(last && is_opaque_name(part))) {
			/* Names that aufs gave to files without another name; links to them may follow. */
			bool plnk = i == 0 && names->n == 2 && strcmp(part, WH_PLNK) == 0 && plain &&
				    !is_whiteout_name(names->parts[1]);

			*ret = plnk ? PSEUDO_LINK : SKIPPED;
			return 0;
		}
		if (!last)
			return job_refuse(job, -EINVAL, "a whiteout is no directory");
		if (!*name || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
			return job_refuse(job, -EINVAL, "a whiteout without a name");
		if (!plain)
			return job_refuse(job, -EINVAL, "a whiteout is a regular file, and this is not");
		*ret = WHITEOUT;
	}
	return 0;
}

/* Extract the entry whose name was split. Returns 0 or -errno. */
static int extract(struct job *job, struct archive_entry *entry)
{
	const struct names *names = &job->names;
	mode_t type = archive_entry_hardlink(entry) ? AE_IFREG : archive_entry_filetype(entry);
	int r;

	if (type == AE_IFSOCK || type == 0) {
		job->untar->skipped++;
		return file_skip(job);
	}
	if (type == AE_IFDIR) {
		r = dirs_extract(job, entry);
		return r < 0 ? r : file_skip(job);
	}
	if (!names->n)
		return job_refuse(job, -EINVAL, "the layer's top is a directory, and this is not");
	r = dirs_go(job, names, names->n - 1, true);
	if (r == -ENOTDIR || r == -ELOOP)
		return job_refuse(job, r, "its parent directory is a file or a symlink in the layer");
	return r < 0 ? r : file_extract(job, entry, names->parts[names->n - 1]);
}

static int take(struct job *job, struct archive_entry *entry)
{
	uint64_t limit = job->untar->limits.bytes;
	enum meaning meaning = SKIPPED;
	int r;

	job->name = archive_entry_pathname(entry) ?: "";
	r = job_count(job);
	if (r < 0)
		return r;
	/* Headers count, too. */
	if (limit && limit < UINT64_MAX - HEADERS && input_position(&job->input) > limit + HEADERS)
		return job_refuse(job, -EFBIG, "more than %llu bytes; --max-bytes= sets this limit",
				  (unsigned long long)limit);
	job->now = (struct timespec){ .tv_sec = archive_entry_mtime(entry) };
	r = names_split(job, &job->names, job->name);
	if (r == 0)
		r = meaning_of(job, entry, &meaning);
	if (r < 0)
		return r;
	if (meaning == WHITEOUT)
		r = whiteout_defer(job);
	else if (meaning != FILE_OR_DIR)
		job->untar->skipped++;
	job->plnk |= meaning == PSEUDO_LINK;
	if (r == 0)
		r = meaning == FILE_OR_DIR || meaning == PSEUDO_LINK ? extract(job, entry) : file_skip(job);
	return r;
}

static int run(struct job *job, int input, int to)
{
	struct archive_entry *entry;
	int r = dirs_start(job, to);

	if (r == 0)
		r = input_open(&job->input, input, job->untar->digest);
	while (r == 0) {
		job->name = NULL;
		r = input_next(&job->input, &entry);
		if (r <= 0)
			break;
		r = take(job, entry);
		if (r == 0 && job->untar->progress)
			r = copy_progress(job->untar->progress, 0, 1);
	}
	if (r == 0)
		r = whiteout_write_all(job);
	if (r < 0)
		return r;
	job->name = ".";
	r = dirs_leave(job, 1);
	if (r == 0 && job->plnk)
		r = remove_tree(job->nodes[0].fd, WH_PLNK, NULL);
	if (r == 0)
		r = dirs_leave(job, 0);
	if (r == 0 && job->untar->delta.format == DELTA_AUFS) {
		r = settle_aufs(to, job->untar->parents, job->untar->nparents, job->settling);
		job->name = *job->settling ? job->settling : ".";
	}
	return r;
}

/* Return the name, shortened and with control characters as numbers, for the caller to free. */
static char *shown(const char *name)
{
	char *text = xcalloc(4, SHOWN + 2), *end = text;

	for (size_t i = 0; *name; name++, i++) {
		unsigned char c = (unsigned char)*name;

		if (i == SHOWN) {
			(void)memcpy(end, "...", 4);
			break;
		}
		if (c >= ' ' && c != 127)
			*end++ = *name;
		else
			end += snprintf(end, 5, "\\%03o", c);
	}
	return text;
}

static int report(struct job *job, int r)
{
	bool whole = job->input.whole || (!job->name && !job->untar->entries);
	const char *why = job->why ?: *job->input.why ? job->input.why : strerror(-r);
	_cleanup_free_ char *name = NULL;

	/* A failure before the first entry concerns the whole input. */
	if (whole) {
		if (strcmp(why, "Unrecognized archive format") == 0)
			why = "it is no tar, nor one compressed by gzip, zstd, xz or bzip2";
		return job->untar->name ? log_refuse(r, "'%s': %s", job->untar->name, why)
					: log_refuse(r, "the tar: %s", why);
	}
	if (!job->name)
		return log_refuse(r, "entry %llu of the tar: %s", (unsigned long long)job->untar->entries + 1, why);
	name = shown(job->name);
	return log_refuse(r, "%s: %s", name, why);
}

int untar(struct untar *untar, int input, int to)
{
	struct job job = { .untar = untar, .uid = geteuid(), .gid = getegid() };
	mode_t old = umask(0);
	int r, flushed;

	untar->size = untar->entries = untar->skipped = 0;
	job.now.tv_sec = 0;
	flush_start(&job.flush);
	r = run(&job, input, to);
	flushed = flush_end(&job.flush);
	if (r == 0 && flushed < 0)
		r = job_refuse(&job, flushed, "write its files: %s", strerror(-flushed));
	(void)umask(old);
	if (r < 0)
		r = report(&job, r);
	input_close(&job.input);
	dirs_free(&job);
	if (job.whiteouts)
		(void)fclose(job.whiteouts);
	free(job.text);
	free(job.names.text);
	free(job.names.parts);
	free(job.link.text);
	free(job.link.parts);
	free(job.why);
	return r;
}
