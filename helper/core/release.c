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
 *   volatile INODE PATH   a work directory with the kernel's marker against a crash of the host: there was none
 *
 * All other kinds are for status alone: what they tell of ends with the mount.
 */
#include "release.h"
#include "cleanup.h"
#include "log.h"
#include "loopdev.h"
#include "nbddev.h"
#include "overlayfs.h"
#include "path.h"
#include "server.h"
#include "share.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/mount.h>
#include <sys/stat.h>

/* The last umount of a file system may be another namespace's, just ending; the kernel then needs milliseconds. */
#define WAIT_MS 5000
/* A keeper or a server that nothing holds any longer. */
#define SERVER_WAIT_MS 2000
#define SERVER_END_MS  60000

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

static int undo_at(const struct record *record, bool mine, bool wait)
{
	const char *path = record->fields[0], *id = record->fields[1];
	_cleanup_close_ int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	bool there;

	if (fd < 0)
		return errno == ENOENT ? 0 : log_errno(-errno, "open '%s'", path);
	there = mount_is(fd, id);
	cleanup_close(&fd);
	fd = -EBADF;
	if (there)
		return take_off(path, mine, wait);
	switch (mine ? 0 : mount_is_covered(path, id)) {
	case 1:
		return log_refuse(-EBUSY, "'%s': something else is mounted over the stack; umount that first", path);
	case 2:
		return log_refuse(-EBUSY, "'%s': mounted in another mount namespace; umount it there", path);
	default:
		break;
	}
	return 0; /* never attached, or in a namespace that has ended, or taken off by hand */
}

/* The kernel lets an image go after the last mount of it. Not an error if not: others may rightly have it by now. */
static void undo_image(const struct record *record)
{
	_cleanup_close_ int fd = open(record->fields[1], O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW);
	long long until = proc_now() + WAIT_MS;
	_cleanup_free_ char *inode = NULL;

	if (fd < 0)
		return;
	inode = path_inode(fd);
	if (strcmp(inode, record->fields[0]) != 0)
		return;
	while (flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK) {
		if (proc_now() >= until) {
			log_warn("image '%s' is still in use: a process holds its mount, or another start has it",
				 record->fields[1]);
			return;
		}
		proc_sleep(2);
	}
}

/*
 * As long as the overlay is in use by somebody, the marker stays, and the journal with it; then what it wrote is
 * synced, and as good as any.
 */
static int undo_volatile(const struct record *record)
{
	_cleanup_close_ int work = open(record->fields[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	_cleanup_close_ int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC), incompat = -EBADF;
	_cleanup_free_ char *inode = NULL;
	long long until = proc_now() + WAIT_MS;

	if (work < 0)
		return 0;
	inode = path_inode(work);
	if (strcmp(inode, record->fields[0]) != 0)
		return 0;
	while (overlayfs_in_use(work, root)) {
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
	incompat = path_open(work, "work/incompat", O_RDONLY | O_DIRECTORY);
	if (incompat < 0)
		return 0;
	(void)unlinkat(incompat, "volatile/dirty", 0);
	(void)unlinkat(incompat, "volatile", AT_REMOVEDIR);
	return 0;
}

static struct process server_of(const struct record *record)
{
	return (struct process){
		.pid = (pid_t)strtol(record->fields[0], NULL, 10),
		.start = strtoull(record->fields[1], NULL, 10),
	};
}

static bool server_lives(const struct journal *journal, const char *pid)
{
	for (size_t i = 0; i < journal->n; i++) {
		const struct record *record = &journal->records[i];
		struct process server;

		if (strcmp(record->kind, "server") != 0 || record->n != 3 || strcmp(record->fields[0], pid) != 0)
			continue;
		server = server_of(record);
		if (proc_alive(&server))
			return true;
	}
	return false;
}

/* A reader's device goes by itself when its holder does, with its server: 1. A writer's is waited for. -EBUSY. */
static int complain(const struct journal *journal, const char *device)
{
	if (journal_get(journal, "offers", 0)) {
		log_warn("'%s' is still in use: a process holds a mount of it", device);
		return 1;
	}
	return log_refuse(-EBUSY, "'%s' is still in use: a process holds a mount of it", device);
}

/*
 * Armed, it disconnects by itself with its last mount; one whose maker was killed before that is idle, and needs help.
 * It is never cut.
 */
static int undo_nbd(const struct record *record, const struct journal *journal)
{
	const char *backend = record->fields[0];
	long long until = proc_now() + WAIT_MS;
	int nr;

	/* A device known by its process's pid is ours only with that process. */
	if (strncmp(backend, NBD_BY_PID, strlen(NBD_BY_PID)) == 0 &&
	    !server_lives(journal, backend + strlen(NBD_BY_PID)))
		return 0;
	while ((nr = nbd_find(backend)) >= 0 && !share_is_used(journal, record) &&
	       nbd_disconnect_idle(nr, backend) < 0) {
		if (proc_now() >= until)
			return complain(journal, backend);
		proc_sleep(5);
	}
	return 0;
}

/* What it served is idle by now: it ends by itself, and if it does not, is asked to. It may have much to write. */
static int undo_server(const struct record *record, const struct journal *journal)
{
	struct process server = server_of(record);

	if (share_is_used(journal, record) || proc_wait(&server, SERVER_WAIT_MS) == 0)
		return 0;
	(void)kill(server.pid, SIGTERM);
	if (proc_wait(&server, SERVER_END_MS) == 0)
		return 0;
	return log_refuse(-EBUSY, "%s (pid %d) has not ended: it may still write the image", record->fields[2],
			  (int)server.pid);
}

/* A loop device on what a server serves must be gone before the server is. 0 or -errno (logged). */
static int undo_loop(const struct record *record, const struct journal *journal)
{
	long long until = proc_now() + WAIT_MS;
	int nr;

	if (sscanf(record->fields[0], "/dev/loop%d", &nr) != 1)
		return 0;
	while (!share_is_used(journal, record) && loopdev_is_bound(nr, strtoull(record->fields[1], NULL, 10))) {
		if (proc_now() >= until)
			return complain(journal, record->fields[0]);
		proc_sleep(5);
	}
	return 0;
}

int release(struct journal *journal)
{
	/* Without an `at`, nobody but the process that built the stack ever had it, and that process has ended. */
	bool attached = journal_get(journal, "at", 0), served = journal_get(journal, "server", 0);
	int first = 0;

	for (size_t i = journal->n; i > 0; i--) {
		const struct record *record = &journal->records[i - 1];
		int r = 0;

		if (strcmp(record->kind, "at") == 0 && record->n == 2)
			r = undo_at(record, journal_get(journal, "container", 0), journal_get(journal, "upper", 0));
		else if (attached && first == 0 && strcmp(record->kind, "image") == 0 && record->n == 3 &&
			 strcmp(record->fields[2], "rw") == 0)
			undo_image(record);
		else if (first == 0 && strcmp(record->kind, "nbd") == 0 && record->n == 1)
			r = undo_nbd(record, journal);
		else if (first == 0 && served && strcmp(record->kind, "loop") == 0 && record->n == 3)
			r = undo_loop(record, journal);
		else if (strcmp(record->kind, "volatile") == 0 && record->n == 2)
			r = undo_volatile(record);
		if (r && first == 0)
			first = r;
	}
	/* Only when nothing holds any of them: what serves a mount must not go before it. */
	for (size_t i = journal->n; i > 0 && first == 0; i--)
		if (strcmp(journal->records[i - 1].kind, "server") == 0 && journal->records[i - 1].n == 3)
			first = undo_server(&journal->records[i - 1], journal);
	if (served)
		server_tidy();
	if (first >= 0)
		journal_discard(journal);
	else
		journal_close(journal);
	return first < 0 ? first : 0;
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
