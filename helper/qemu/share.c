/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * share - one server and one device for all who read the same image.
 *
 * Who made it says so in its journal (`offers KEY NODE FSTYPE`, after the
 * records of what it stands on). Who takes it copies those records, holds the
 * device open, and only then believes them.
 */
#include "share.h"
#include "../base/cleanup.h"
#include "../base/log.h"
#include "../kernel/loop.h"
#include "../kernel/nbd.h"
#include "../base/path.h"

#include <fcntl.h>
#include <sys/file.h>

static bool is_kind(const struct record *record, const char *kind, size_t n)
{
	return strcmp(record->kind, kind) == 0 && record->n == n;
}

/* What an offer stands on, and must be released with it. */
static bool is_needed(const struct record *record)
{
	return is_kind(record, "server", 3) || is_kind(record, "nbd", 1) || is_kind(record, "loop", 3);
}

int share_lock(int ms)
{
	_cleanup_close_ int fd = open(RUN_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	long long until = proc_now() + ms;

	if (fd < 0)
		return -errno;
	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK || proc_now() >= until)
			return -errno;
		proc_sleep(2);
	}
	return TAKE_FD(fd);
}

char *share_key(const struct spec *spec, const struct qemu_graph *graph, const char *how)
{
	char *key = xasprintf("%s %s %s", how, spec->nsources > 1 ? spec->sources[1] : "", graph->json);

	/* Two names of one file may stand on different files: its backing file is relative to the name. */
	for (size_t i = 0; i < graph->nfds; i++) {
		_cleanup_free_ char *before = key, *inode = path_inode(graph->fds[i]);

		key = xasprintf("%s %s", before, inode);
	}
	for (size_t i = 0; i < spec->noptions; i++) {
		_cleanup_free_ char *before = key;

		key = xasprintf("%s,%s=%s", before, spec->options[i].name, spec->options[i].value);
	}
	return key;
}

int share_offer(struct journal *journal, const char *key, const char *node, const char *fstype)
{
	return journal_add(journal, "offers", key, node, fstype, NULL);
}

/* The record still tells the truth of the open device. */
static bool holds(const struct record *record, int device, const char *node)
{
	const struct process server = {
		.pid = (pid_t)strtol(record->fields[0], NULL, 10),
		.start = record->n == 3 ? strtoull(record->fields[1], NULL, 10) : 0,
	};
	int nr;

	/* Unknown: not taken, but served once more. */
	if (is_kind(record, "server", 3))
		return proc_alive(&server) == 1;
	if (is_kind(record, "loop", 3))
		return strcmp(record->fields[0], node) == 0 &&
		       loopdev_diskseq(device) == strtoull(record->fields[1], NULL, 10);
	nr = nbd_find(record->fields[0]);
	if (nr >= 0) {
		_cleanup_free_ char *whole = nbd_node(nr);

		return strncmp(node, whole, strlen(whole)) == 0;
	}
	return false;
}

/* The offer at `last` of another's journal. fd or -ENOENT, or -errno (logged). */
static int take(const struct journal *theirs, size_t last, struct journal *journal)
{
	const char *node = theirs->records[last].fields[1];
	_cleanup_close_ int device = open(node, O_RDONLY | O_CLOEXEC);
	size_t first = last;
	int r = 0;

	while (first > 0 && strcmp(theirs->records[first].kind, "step") != 0)
		first--;
	for (size_t i = first; i < last; i++)
		if (device < 0 || (is_needed(&theirs->records[i]) && !holds(&theirs->records[i], device, node)))
			return -ENOENT;
	for (size_t i = first; r == 0 && i <= last; i++) {
		const struct record *record = &theirs->records[i];

		if (is_needed(record) || i == last)
			r = journal_add(journal, record->kind, record->fields[0],
					record->n > 1 ? record->fields[1] : NULL,
					record->n > 2 ? record->fields[2] : NULL, NULL);
	}
	return r < 0 ? r : TAKE_FD(device);
}

/* The same for the first offer with this key. */
static int take_from(const struct journal *theirs, struct journal *journal, const char *key, char **ret_node,
		     char **ret_fstype)
{
	int device = -ENOENT;

	for (size_t i = 0; device == -ENOENT && i < theirs->n; i++) {
		const struct record *record = &theirs->records[i];

		if (!is_kind(record, "offers", 3) || strcmp(record->fields[0], key) != 0)
			continue;
		device = take(theirs, i, journal);
		if (device >= 0) {
			*ret_node = xstrdup(record->fields[1]);
			*ret_fstype = xstrdup(record->fields[2]);
		}
	}
	return device;
}

int share_take(struct journal *journal, const char *key, char **ret_node, char **ret_fstype)
{
	int found = -ENOENT;
	char **ids;
	size_t n;

	/* An offer that cannot be read is not taken: the image is served once more. */
	(void)rundir_ids(&ids, &n);
	for (size_t i = 0; i < n && found == -ENOENT; i++) {
		struct journal theirs;

		if (journal_peek(ids[i], &theirs) == 0) {
			if (strcmp(theirs.dir, journal->dir) != 0)
				found = take_from(&theirs, journal, key, ret_node, ret_fstype);
			journal_close(&theirs);
		}
	}
	rundir_list_free(ids, n);
	return found;
}

int share_is_used(const struct journal *journal, const struct record *record)
{
	_cleanup_free_ char *user = journal_find_running(record->kind, record->fields[0], journal->dir);

	if (!user)
		return 0;
	return journal_is_unknown(user) ? log_refuse(-EBUSY, "'%s': may be in use by %s", record->fields[0], user) : 1;
}
