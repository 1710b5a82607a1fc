/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * journal - the record of what was done for one container, so that another process can undo it.
 *
 * A record is appended before each act (record-kinds/).
 *
 * RUN_DIR is a tmpfs, which ends at reboot; where it is not, the boot id in each journal marks the journal as stale. So
 * nothing here needs fsync.
 */
#include "journal.h"
#include "../base/process.h"
#include "../base/cleanup.h"
#include "../base/log.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/file.h>
#include <sys/stat.h>

/*
 * The first line: "version", the number of this format and the boot id. A journal of another version is handled like
 * one of another boot, since its records cannot be understood.
 */
#define VERSION_LINE "version\t2\t"

static void forget_records(struct journal *journal)
{
	for (size_t i = 0; i < journal->n; i++)
		record_clear(&journal->records[i]);
	free(journal->records);
	journal->records = NULL;
	journal->n = 0;
	journal->step = 0;
}

/* Append a line to the records in memory; the line is modified. Returns 0 or -EBADMSG. */
static int read_record(struct journal *journal, char *line)
{
	struct record *record = ARRAY_ADD(journal->records, journal->n);
	int r = record_decode(line, record);

	if (r == 0 && record->step > journal->step)
		journal->step = record->step;
	return r;
}

/*
 * Read the whole file into one string: *ret, for the caller to free, or NULL if there is no file. Returns 0 or -errno.
 */
static int read_text(int dirfd, char **ret)
{
	/* Without O_NONBLOCK, open would block on a fifo of this name. */
	_cleanup_close_ int fd = openat(dirfd, "journal", O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	_cleanup_free_ char *text = NULL;
	struct stat st;
	size_t size = 0;
	ssize_t n;

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EBADMSG;
	text = xcalloc((size_t)st.st_size + 1, 1);
	while (size < (size_t)st.st_size && (n = read(fd, text + size, (size_t)st.st_size - size)) != 0) {
		if (n < 0)
			return -errno;
		size += (size_t)n;
	}
	*ret = TAKE_PTR(text);
	return 0;
}

/*
 * Read all complete lines: a last line without its newline was never finished, so its act was not begun. Returns 0 or
 * -errno.
 */
static int read_records(struct journal *journal)
{
	_cleanup_free_ char *text = NULL, *ours = xasprintf(VERSION_LINE "%s", process_boot_id());
	char *line, *end;
	int r = read_text(journal->dirfd, &text);

	end = r < 0 || !text ? NULL : strchr(text, '\n');
	if (!end)
		return r;
	*end = '\0';
	/* After a reboot none of the recorded objects exists. */
	if (strcmp(text, ours) != 0)
		return 0;
	for (line = end + 1; r == 0 && (end = strchr(line, '\n')); line = end + 1) {
		*end = '\0';
		r = read_record(journal, line);
	}
	return r;
}

static int open_journal(const char *place, const char *name, bool create, bool shared, struct journal *ret)
{
	struct journal journal = { .dirfd = -EBADF, .fd = -EBADF };
	int r;

	*ret = journal;
	journal.dirfd = rundir_open(place, name, create, shared, &journal.dir);
	if (journal.dirfd < 0)
		return journal.dirfd;
	r = read_records(&journal);
	if (r < 0) {
		(void)log_errno(r, "read '%s/journal'", journal.dir);
		journal_close(&journal);
		return r;
	}
	*ret = journal;
	return 0;
}

int journal_open(const char *place, const char *name, bool create, struct journal *ret)
{
	return open_journal(place, name, create, false, ret);
}

int journal_open_container(const struct container *container, bool create, struct journal *ret)
{
	return journal_open(container->dir, container->name, create, ret);
}

int journal_share(const char *place, const char *name, struct journal *ret)
{
	return open_journal(place, name, true, true, ret);
}

void journal_unshare(struct journal *journal)
{
	/* The last process removes the journal that the first one made, unless a start has used it in between. */
	if (!journal->n && flock(journal->dirfd, LOCK_EX | LOCK_NB) == 0 && read_records(journal) == 0 && !journal->n)
		(void)journal_discard(journal);
	else
		journal_close(journal);
}

int journal_peek(const char *id, struct journal *ret)
{
	struct journal journal = { .dirfd = -EBADF, .fd = -EBADF, .dir = xasprintf("%s/%s", RUN_DIR, id) };
	int r;

	*ret = (struct journal){ .dirfd = -EBADF, .fd = -EBADF };
	journal.dirfd = open(journal.dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	r = journal.dirfd < 0 ? -errno : read_records(&journal);
	if (r == 0 && !journal.n)
		r = -ENOENT;
	if (r < 0)
		journal_close(&journal);
	else
		*ret = journal;
	return r;
}

bool journal_is_locked(const struct journal *journal)
{
	/* On a descriptor of its own, so that closing it releases the lock taken here. */
	_cleanup_close_ int fd = open(journal->dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	/* If the directory was removed concurrently, another process has just worked on it. */
	return fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0;
}

int journal_unreadable(const char *id, int r)
{
	return log_errno(r, "read '%s/%s/journal'", RUN_DIR, id);
}

void journal_close(struct journal *journal)
{
	cleanup_close(&journal->fd);
	cleanup_close(&journal->dirfd);
	forget_records(journal);
	free(journal->dir);
	*journal = (struct journal){ .dirfd = -EBADF, .fd = -EBADF };
}

/*
 * Write a line by one write(2); only after a short write, a second one follows, which then returns the reason. Returns
 * 0 or -errno.
 */
static int write_line(int fd, const char *line)
{
	_cleanup_free_ char *whole = xasprintf("%s\n", line);
	const char *rest = whole;

	while (*rest) {
		ssize_t n = write(fd, rest, strlen(rest));

		if (n < 0)
			return -errno;
		rest += n;
	}
	return 0;
}

int journal_begin(struct journal *journal)
{
	_cleanup_free_ char *line = xasprintf(VERSION_LINE "%s", process_boot_id());
	int r;

	forget_records(journal);
	cleanup_close(&journal->fd);
	/* Truncate, then the version in the first write: an interrupted begin reads as an empty journal. */
	journal->fd = openat(journal->dirfd, "journal",
			     O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
	r = journal->fd < 0 ? -errno : write_line(journal->fd, line);
	return r < 0 ? log_errno(r, "write '%s/journal'", journal->dir) : 0;
}

int journal_add(struct journal *journal, const struct record_kind *kind, const void *fields)
{
	_cleanup_free_ char *line = record_encode(kind, journal->step, fields);
	int r = write_line(journal->fd, line);

	if (r == 0)
		r = read_record(journal, line);
	return r < 0 ? log_errno(r, "write '%s/journal'", journal->dir) : 0;
}

int journal_copy(struct journal *journal, const struct record *record)
{
	return journal_add(journal, record->kind, record->fields);
}

const struct record *journal_next(const struct journal *journal, const struct record_kind *kind,
				  const struct record *after)
{
	for (size_t i = after ? (size_t)(after - journal->records) + 1 : 0; i < journal->n; i++)
		if (journal->records[i].kind == kind)
			return &journal->records[i];
	return NULL;
}

const void *journal_first(const struct journal *journal, const struct record_kind *kind)
{
	const struct record *record = journal_next(journal, kind, NULL);

	return record ? record->fields : NULL;
}

bool journal_step_has(const struct journal *journal, unsigned int step, const struct record_kind *kind)
{
	for (size_t i = 0; i < journal->n; i++)
		if (journal->records[i].step == step && journal->records[i].kind == kind)
			return true;
	return false;
}

int journal_discard(struct journal *journal)
{
	int r = 0;

	/* rmdir alone: if anything is mounted or stored here against all expectation, it stays. */
	(void)unlinkat(journal->dirfd, "stage", AT_REMOVEDIR);
	(void)unlinkat(journal->dirfd, "socket", 0);
	if (unlinkat(journal->dirfd, "journal", 0) < 0 && errno != ENOENT)
		r = log_errno(-errno, "remove '%s/journal'", journal->dir);
	else if (rmdir(journal->dir) < 0 && errno != ENOENT)
		r = log_errno(-errno, "remove '%s'", journal->dir);
	journal_close(journal);
	return r;
}

int journal_clear_empty(const char *id)
{
	_cleanup_free_ char *path = xasprintf(RUN_DIR "/%s", id);
	_cleanup_close_ int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct journal journal = { .dirfd = -EBADF, .fd = -EBADF };
	int r;

	if (fd < 0)
		return errno == ENOENT ? 0 : log_errno(-errno, "open '%s'", path);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? 0 : log_errno(-errno, "lock '%s'", path);
	r = journal_peek(id, &journal);
	journal_close(&journal);
	if (r != -ENOENT)
		return r < 0 ? journal_unreadable(id, r) : 0;
	/* A process that waits for this lock checks afterwards whether the directory still exists. */
	(void)unlinkat(fd, "journal", 0);
	(void)unlinkat(fd, "stage", AT_REMOVEDIR);
	return rmdir(path) < 0 && errno != ENOENT ? log_errno(-errno, "remove '%s'", path) : 0;
}
