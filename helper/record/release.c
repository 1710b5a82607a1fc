/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * release - the undoer. It knows the kinds of records that outlive the
 * process which wrote them:
 *
 *   at PATH MOUNT         the stack is, or is about to be, attached on PATH
 *   image INODE PATH rw   an image was locked: wait until the kernel lets it go
 *   upper INODE PATH      an upper is in use: wait until its overlay is gone
 *   nbd BACKEND           a device was, or is about to be, connected: wait until it is idle, and is disconnected
 *   server PID START NAME a process that serves it: wait until it has ended
 *   making DIR            a container's directory was, or is about to be, made: remove it while there is no config
 *   volatile INODE PATH   a work directory with the kernel's marker against a crash of the host: there was none
 *
 * All other kinds are for status alone: what they tell of ends with the mount.
 */
#include "release.h"
#include "../base/cleanup.h"
#include "../container/ephemeral.h"
#include "../base/log.h"
#include "../kernel/overlay.h"
#include "../base/path.h"
#include "release-device.h"
#include "../qemu/server.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/mount.h>
#include <sys/stat.h>

/* The last umount of a file system may be another namespace's, just ending; the kernel then needs milliseconds. */
#define WAIT_MS 5000

/*
 * Take the stack off its place, with what a `dir` brought along below it; on the host, where others use what they see,
 * only if it is not busy (the monitor's namespace is `mine`). Whether its file system is then gone is only asked when
 * it matters (`wait`), by inotify(7)'s IN_UNMOUNT: that comes when the last mount of it ends, in any namespace.
 */
static int take_off(const char *path, bool mine, bool wait)
{
	_cleanup_close_ int watch = wait ? inotify_init1(IN_CLOEXEC) : -EBADF;
	struct pollfd poll_fd = { .fd = watch, .events = POLLIN };

	/* Out of watches: then nobody knows. */
	if (watch >= 0 && inotify_add_watch(watch, path, IN_DELETE_SELF) < 0) {
		cleanup_close(&watch);
		watch = poll_fd.fd = -EBADF;
	}
	if (umount2(path, UMOUNT_NOFOLLOW | (mine ? MNT_DETACH : 0)) < 0)
		return log_errno(-errno, "umount '%s'", path);
	if (watch >= 0 && poll(&poll_fd, 1, WAIT_MS) != 1)
		log_warn("the file system from '%s' is still in use: a process holds a mount of it", path);
	return 0;
}

/* 0, or -errno (logged): the stack may still be attached. */
static int undo_at(const struct record *record, bool mine, bool wait)
{
	const char *path = record->fields[0], *id = record->fields[1];
	_cleanup_close_ int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int r;

	if (fd < 0)
		return errno == ENOENT ? 0 : log_errno(-errno, "open '%s'", path);
	r = mount_is(fd, id);
	cleanup_close(&fd);
	fd = -EBADF;
	if (r > 0)
		return take_off(path, mine, wait);
	if (r == 0)
		r = mine ? 0 : mount_is_covered(path, id);
	if (r < 0)
		return log_errno(r, "find out what is mounted on '%s'", path);
	if (r == 1)
		return log_refuse(-EBUSY, "'%s': something else is mounted over the stack; umount that first", path);
	if (r == 2)
		return log_refuse(-EBUSY, "'%s': mounted in another mount namespace; umount it there", path);
	return 0; /* never attached, or in a namespace that has ended, or taken off by hand */
}

/* The kernel lets an image go after the last mount of it. Not an error if not: others may rightly have it by now. */
static void undo_image(const struct record *record)
{
	_cleanup_close_ int fd = open(record->fields[1], O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW);
	long long until = proc_now() + WAIT_MS;
	_cleanup_free_ char *inode = NULL;

	if (fd < 0) {
		if (errno != ENOENT)
			log_warn("image '%s': not waited for until it is free: %s", record->fields[1], strerror(errno));
		return;
	}
	inode = path_inode(fd);
	if (strcmp(inode, record->fields[0]) != 0)
		return;
	while (flock(fd, LOCK_SH | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK || proc_now() >= until) {
			log_warn("image '%s' is still in use: a process holds its mount, or another start has it",
				 record->fields[1]);
			return;
		}
		proc_sleep(2);
	}
}

/* Take the kernel's marker away. 0, also when there is none, or -errno (logged). */
static int clear_volatile(int work, const char *name)
{
	_cleanup_close_ int incompat = path_open(work, "work/incompat", O_RDONLY | O_DIRECTORY);

	if (incompat == -ENOENT)
		return 0;
	if (incompat < 0)
		return log_errno(incompat, "open '%s/work/incompat'", name);
	if ((unlinkat(incompat, "volatile/dirty", 0) < 0 && errno != ENOENT) ||
	    (unlinkat(incompat, "volatile", AT_REMOVEDIR) < 0 && errno != ENOENT))
		return log_errno(-errno, "remove '%s/work/incompat/volatile'", name);
	return 0;
}

/*
 * As long as the overlay is in use by somebody, the marker stays, and the journal with it; then what it wrote is
 * synced, and as good as any. 0 or -errno (logged).
 */
static int undo_volatile(const struct record *record)
{
	_cleanup_close_ int work = path_open(-EBADF, record->fields[1], O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
	_cleanup_close_ int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	_cleanup_free_ char *inode = NULL;
	long long until = proc_now() + WAIT_MS;
	int r;

	if (work == -ENOENT || work == -ENOTDIR || work == -ELOOP)
		return 0;
	if (work < 0)
		return log_errno(work, "open work directory '%s'", record->fields[1]);
	inode = path_inode(work);
	if (strcmp(inode, record->fields[0]) != 0)
		return 0;
	while ((r = root < 0 ? -EBADF : overlayfs_in_use(work, root))) {
		if (r < 0)
			return log_errno(r, "find out whether work directory '%s' is in use", record->fields[1]);
		if (proc_now() >= until)
			return log_refuse(-EBUSY, "work directory '%s' is still in use: a process holds its overlay",
					  record->fields[1]);
		proc_sleep(5);
	}
	if (syncfs(work) < 0) {
		log_warn("sync the file system of '%s': %s; its upper stays marked as damaged", record->fields[1],
			 strerror(errno));
		return 0;
	}
	return clear_volatile(work, record->fields[1]);
}

static bool is_kind(const struct record *record, const char *kind, size_t n)
{
	return strcmp(record->kind, kind) == 0 && record->n == n;
}

/* One record, but not a server. `served`: the part has one. 0, 1: a reader's device that is in use, or -errno. */
static int undo_record(const struct release_part *part, const struct record *record, bool served)
{
	if (is_kind(record, "image", 3) && part->attached && strcmp(record->fields[2], "rw") == 0)
		undo_image(record);
	else if (is_kind(record, "nbd", 1))
		return release_nbd(part, record);
	else if (is_kind(record, "loop", 3) && served)
		return release_loop(part, record);
	else if (is_kind(record, "volatile", 2))
		return undo_volatile(record);
	else if (is_kind(record, "making", 1))
		return ephemeral_remove_unmade(record->fields[0]);
	return 0;
}

/* Newest first; the servers last, and only when nothing that they serve is in use. 0 or -errno (logged). */
static int undo_part(struct release_part *part)
{
	const struct record *records = part->journal->records;
	bool served = false, busy = false;
	int first = 0;

	for (size_t i = part->from; i < part->to; i++) {
		part->offered |= is_kind(&records[i], "offers", 3);
		served |= is_kind(&records[i], "server", 3);
	}
	for (size_t i = part->to; i > part->from; i--) {
		int r;

		/* Of an image whose device is in use, that has been said already. */
		if (busy && is_kind(&records[i - 1], "image", 3))
			continue;
		r = undo_record(part, &records[i - 1], served);

		busy |= r != 0;
		if (r < 0 && first == 0)
			first = r;
	}
	for (size_t i = part->to; i > part->from && !busy && first == 0; i--)
		if (is_kind(&records[i - 1], "server", 3))
			first = release_server(part, &records[i - 1]);
	return first;
}

/* The stack first; while it may be in its place, nothing below it is touched. 0 or -errno (logged). */
static int undo_ats(const struct journal *journal)
{
	int r = 0;

	for (size_t i = journal->n; i > 0 && r == 0; i--)
		if (is_kind(&journal->records[i - 1], "at", 2))
			r = undo_at(&journal->records[i - 1], journal_get(journal, "container", 0),
				    journal_get(journal, "upper", 0));
	return r;
}

int release(struct journal *journal)
{
	int r = undo_ats(journal);
	/* Without an `at`, nobody but the process that built the stack ever had it, and that process has ended. */
	struct release_part part = { .journal = journal, .to = journal->n, .attached = journal_get(journal, "at", 0) };

	for (size_t i = r < 0 ? 0 : journal->n; i > 0; i--) {
		int one;

		if (i > 1 && strcmp(journal->records[i - 1].kind, "step") != 0)
			continue;
		part.from = i - 1;
		part.offered = false;
		one = undo_part(&part);
		part.to = i - 1;
		r = r ?: one;
	}
	if (journal_get(journal, "server", 0))
		server_tidy();
	if (r == 0)
		return journal_discard(journal);
	journal_close(journal);
	return r;
}

int release_attach(struct journal *journal, int mount, const char *path)
{
	_cleanup_close_ int target = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	_cleanup_free_ char *text = NULL;
	int r;

	if (target < 0)
		return log_errno(-errno, "open directory '%s'", path);
	/* A mount keeps its id when it is attached: recorded before, so that no moment is without a record. */
	text = mount_id_text(mount);
	if (!text)
		return log_errno(-errno, "identify the stack");
	r = journal_add(journal, "at", path, text, NULL);
	if (r < 0)
		return r;
	r = mount_attach(mount, target);
	return r < 0 ? log_errno(r, "attach the stack on '%s'", path) : 0;
}
