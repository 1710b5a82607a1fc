/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * journal - what was done for one container, so that another process can undo it.
 *
 * A line for each act, appended before the act.
 *
 * RUN_DIR is a tmpfs, gone at reboot; the boot id in each journal says so
 * where it is not. Nothing here needs fsync.
 */
#include "journal.h"
#include "../base/cleanup.h"
#include "../base/log.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/file.h>
#include <sys/stat.h>

/* What descriptions of users begin with that could not be read. */
#define UNKNOWN_USER "an unknown user: "

static char *escape(const char *field)
{
	char *out = xcalloc(strlen(field) * 2 + 1, 1), *p = out;

	for (; *field; field++) {
		char letter = *field == '\t' ? 't' : *field == '\n' ? 'n' : *field == '\\' ? '\\' : '\0';

		if (letter)
			*p++ = '\\';
		*p++ = letter ? letter : *field;
	}
	return out;
}

static char *unescape(const char *field)
{
	char *out = xcalloc(strlen(field) + 1, 1), *p = out;

	for (; *field; field++) {
		if (*field == '\\' && field[1]) {
			field++;
			*p++ = *field == 't' ? '\t' : *field == 'n' ? '\n' : *field;
		} else {
			*p++ = *field;
		}
	}
	return out;
}

static void forget_records(struct journal *journal)
{
	for (size_t i = 0; i < journal->n; i++) {
		for (size_t k = 0; k < journal->records[i].n; k++)
			free(journal->records[i].fields[k]);
		free(journal->records[i].fields);
		free(journal->records[i].kind);
	}
	free(journal->records);
	journal->records = NULL;
	journal->n = 0;
}

static void read_record(struct journal *journal, char *line)
{
	struct record *record = ARRAY_ADD(journal->records, journal->n);
	char *rest = line;

	record->kind = xstrdup(strsep(&rest, "\t"));
	while (rest)
		*ARRAY_ADD(record->fields, record->n) = unescape(strsep(&rest, "\t"));
}

/* The whole file as one string, for the caller to free; NULL in it: there is none. 0 or -errno. */
static int read_text(int dirfd, char **ret)
{
	/* Without O_NONBLOCK, a fifo in its place would be waited for. */
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

/* Read all whole lines: a last one without its newline was never finished, and its act not begun. 0 or -errno. */
static int read_records(struct journal *journal)
{
	_cleanup_free_ char *text = NULL;
	char *line, *end;
	int r = read_text(journal->dirfd, &text);

	if (r < 0 || !text)
		return r;
	for (line = text; (end = strchr(line, '\n')); line = end + 1) {
		*end = '\0';
		read_record(journal, line);
	}
	/* After a reboot nothing that is recorded exists. */
	if (journal->n && strcmp(journal_get(journal, "boot", 0) ?: "", proc_boot_id()) != 0)
		forget_records(journal);
	return 0;
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
	/* The last of them removes what the first has made, unless a start has come in between. */
	if (!journal->n && flock(journal->dirfd, LOCK_EX | LOCK_NB) == 0 && read_records(journal) == 0 && !journal->n)
		(void)journal_discard(journal);
	else
		journal_close(journal);
}

/* Does it record nothing: no line, or only the first, as a begin that was killed leaves it? No act came after that. */
static bool is_empty(const struct journal *journal)
{
	return journal->n == 0 || (journal->n == 1 && strcmp(journal->records[0].kind, "boot") == 0);
}

int journal_peek(const char *id, struct journal *ret)
{
	struct journal journal = { .dirfd = -EBADF, .fd = -EBADF, .dir = xasprintf("%s/%s", RUN_DIR, id) };
	int r;

	*ret = (struct journal){ .dirfd = -EBADF, .fd = -EBADF };
	journal.dirfd = open(journal.dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	r = journal.dirfd < 0 ? -errno : read_records(&journal);
	if (r == 0 && is_empty(&journal))
		r = -ENOENT;
	if (r < 0)
		journal_close(&journal);
	else
		*ret = journal;
	return r;
}

bool journal_is_locked(const struct journal *journal)
{
	/* Another descriptor: the lock that this takes ends here. */
	_cleanup_close_ int fd = open(journal->dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	/* Removed meanwhile, somebody has just worked on it. */
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

int journal_begin(struct journal *journal, const char *place, const char *name, const struct process *monitor)
{
	int r;

	forget_records(journal);
	cleanup_close(&journal->fd);
	/* Truncate, then the boot id in the first write: an interrupted begin reads as an empty journal. */
	journal->fd = openat(journal->dirfd, "journal",
			     O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (journal->fd < 0)
		return log_errno(-errno, "write '%s/journal'", journal->dir);
	r = journal_add(journal, "boot", proc_boot_id(), NULL);
	if (r == 0)
		r = *place ? journal_add(journal, "container", name, place, NULL)
			   : journal_add(journal, "target", name, NULL);
	if (r == 0 && monitor) {
		char pid[24], start[24];

		(void)snprintf(pid, sizeof(pid), "%d", (int)monitor->pid);
		(void)snprintf(start, sizeof(start), "%llu", monitor->start);
		r = journal_add(journal, "monitor", pid, start, NULL);
	}
	return r;
}

/* A line is one write(2), unless that came to its end half way: what is said of the rest is the reason. 0 or -errno. */
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

int journal_add(struct journal *journal, const char *kind, ...)
{
	char *line = xstrdup(kind);
	const char *field;
	va_list fields;
	int r;

	va_start(fields, kind);
	while ((field = va_arg(fields, const char *))) {
		_cleanup_free_ char *escaped = escape(field), *before = line;

		line = xasprintf("%s\t%s", before, escaped);
	}
	va_end(fields);

	r = write_line(journal->fd, line);
	if (r == 0)
		read_record(journal, line);
	free(line);
	return r < 0 ? log_errno(r, "write '%s/journal'", journal->dir) : 0;
}

const char *journal_get(const struct journal *journal, const char *kind, size_t n)
{
	for (size_t i = 0; i < journal->n; i++)
		if (strcmp(journal->records[i].kind, kind) == 0)
			return n < journal->records[i].n ? journal->records[i].fields[n] : NULL;
	return NULL;
}

bool journal_monitor(const struct journal *journal, struct process *ret)
{
	const char *pid = journal_get(journal, "monitor", 0), *start = journal_get(journal, "monitor", 1);

	if (!pid || !start)
		return false;
	*ret = (struct process){ .pid = (pid_t)strtol(pid, NULL, 10), .start = strtoull(start, NULL, 10) };
	return true;
}

int journal_discard(struct journal *journal)
{
	int r = 0;

	/* rmdir only: should anything be mounted or stored here against all expectation, it stays. */
	(void)unlinkat(journal->dirfd, "stage", AT_REMOVEDIR);
	(void)unlinkat(journal->dirfd, "socket", 0);
	if (unlinkat(journal->dirfd, "journal", 0) < 0 && errno != ENOENT)
		r = log_errno(-errno, "remove '%s/journal'", journal->dir);
	else if (rmdir(journal->dir) < 0 && errno != ENOENT)
		r = log_errno(-errno, "remove '%s'", journal->dir);
	journal_close(journal);
	return r;
}

/* "container 'NAME'", "mount on 'TARGET'", for the caller to free. */
static char *describe(const struct journal *journal)
{
	const char *name = journal_get(journal, "container", 0);

	if (name)
		return xasprintf("container '%s'", name);
	return xasprintf("mount on '%s'", journal_get(journal, "target", 0) ?: "?");
}

static bool has(const struct journal *journal, const char *kind, const char *field)
{
	for (size_t k = 0; k < journal->n; k++)
		if (strcmp(journal->records[k].kind, kind) == 0 && journal->records[k].n &&
		    strcmp(journal->records[k].fields[0], field) == 0)
			return true;
	return false;
}

/* The journal of this id, if it has the record and counts: its description, for the caller to free, or NULL. */
static char *find_in(const char *id, const char *kind, const char *field, bool running)
{
	struct journal journal;
	struct process monitor;
	char *found = NULL;
	int r = journal_peek(id, &journal), alive;

	if (r < 0)
		return r == -ENOENT
			       ? NULL
			       : xasprintf(UNKNOWN_USER "cannot read '%s/%s/journal': %s", RUN_DIR, id, strerror(-r));
	if (has(&journal, kind, field)) {
		alive = running && journal_monitor(&journal, &monitor) ? proc_alive(&monitor) : 1;
		if (alive)
			found = describe(&journal);
	}
	journal_close(&journal);
	return found;
}

static char *find(const char *kind, const char *field, const char *except, bool running)
{
	/* The directory's name is the ID. */
	const char *own = except ? strrchr(except, '/') + 1 : "";
	char **ids, *found = NULL;
	size_t n;
	int r = rundir_ids(&ids, &n);

	if (r < 0)
		return xasprintf(UNKNOWN_USER "cannot list '%s': %s", RUN_DIR, strerror(-r));
	for (size_t i = 0; i < n && !found; i++)
		if (strcmp(ids[i], own) != 0)
			found = find_in(ids[i], kind, field, running);
	rundir_list_free(ids, n);
	return found;
}

bool journal_is_unknown(const char *user)
{
	return strncmp(user, UNKNOWN_USER, strlen(UNKNOWN_USER)) == 0;
}

char *journal_find_holder(const char *kind, const char *field, const char *except)
{
	return find(kind, field, except, false);
}

char *journal_find_running(const char *kind, const char *field, const char *except)
{
	return find(kind, field, except, true);
}
