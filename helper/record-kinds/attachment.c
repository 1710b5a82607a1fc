/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* attachment - the stack, mounted on its directory. */
#include "attachment.h"
#include "../base/process.h"
#include "../base/cleanup.h"
#include "../base/log.h"
#include "../kernel/mount.h"
#include "../record/undo.h"
#include "../record/owner.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/mount.h>

struct attachment_record {
	char *path;
	char *mount; /* mount_id_text() */
};

int attachment_make(struct journal *journal, int mount, const char *path)
{
	_cleanup_close_ int target = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	_cleanup_free_ char *id = NULL, *copy = xstrdup(path);
	int r;

	if (target < 0)
		return log_errno(-errno, "open directory '%s'", path);
	/*
	 * A mount keeps its id when it is attached. The id is recorded first, so that the stack is never mounted
	 * without a record.
	 */
	id = mount_id_text(mount);
	if (!id)
		return log_errno(-errno, "identify the stack");
	r = journal_add(journal, &record_attachment, &(struct attachment_record){ copy, id });
	if (r < 0)
		return r;
	r = mount_attach(mount, target);
	return r < 0 ? log_errno(r, "attach the stack on '%s'", path) : 0;
}

const char *attachment_path(const struct journal *journal)
{
	const struct attachment_record *attachment = journal_first(journal, &record_attachment);

	return attachment ? attachment->path : NULL;
}

int attachment_open(const struct journal *journal, const char *root)
{
	const struct attachment_record *attachment = journal_first(journal, &record_attachment);
	_cleanup_free_ char *path = attachment ? xasprintf("%s%s", root, attachment->path) : NULL;
	_cleanup_close_ int fd = path ? open(path, O_PATH | O_DIRECTORY | O_CLOEXEC) : -EBADF;
	int r;

	if (!attachment)
		return -ENOENT;
	if (fd < 0)
		return -errno;
	r = mount_is(fd, attachment->mount);
	return r < 0 ? r : r ? TAKE_FD(fd) : -ENOENT;
}

int attachment_is_there(const struct journal *journal)
{
	_cleanup_close_ int fd = attachment_open(journal, "");

	return fd >= 0 ? 1 : fd == -ENOENT ? 0 : fd;
}

static int attachment_alive(const struct journal *journal, const void *fields)
{
	(void)fields;
	return attachment_is_there(journal);
}

/*
 * Unmount the stack, with the mounts that a `dir` brought along below it. On the host, where other processes use them,
 * only if it is not busy; in the monitor's own namespace (`mine`) lazily. `wait`: also wait for the end of its file
 * system, by inotify(7)'s IN_UNMOUNT, which comes when its last mount in any namespace ends. Returns 0 or -errno
 * (logged).
 */
static int unmount(const char *path, bool mine, bool wait)
{
	_cleanup_close_ int watch = wait ? inotify_init1(IN_CLOEXEC) : -EBADF;
	struct pollfd poll_fd = { .fd = watch, .events = POLLIN };

	/* Without a free watch, the end of the file system remains unknown. */
	if (watch >= 0 && inotify_add_watch(watch, path, IN_DELETE_SELF) < 0) {
		cleanup_close(&watch);
		watch = poll_fd.fd = -EBADF;
	}
	if (umount2(path, UMOUNT_NOFOLLOW | (mine ? MNT_DETACH : 0)) < 0)
		return log_errno(-errno, "umount '%s'", path);
	if (watch >= 0 && poll(&poll_fd, 1, UNDO_WAIT_MS) != 1)
		log_warn("the file system from '%s' is still in use: a process holds a mount of it", path);
	return 0;
}

/* Unmount the stack. Returns 0, or -errno (logged): the stack may still be attached. */
static int attachment_undo(struct undo *undo, const struct record *record)
{
	const struct attachment_record *attachment = record->fields;
	const char *path = attachment->path;
	bool mine = owner_is_container(owner_of(undo->journal)), wait = journal_first(undo->journal, &record_upper);
	_cleanup_close_ int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int r;

	if (fd < 0)
		return errno == ENOENT ? 0 : log_errno(-errno, "open '%s'", path);
	r = mount_is(fd, attachment->mount);
	cleanup_close(&fd);
	fd = -EBADF;
	if (r > 0)
		return unmount(path, mine, wait);
	if (r == 0)
		r = mine ? 0 : mount_is_covered(path, attachment->mount);
	if (r < 0)
		return log_errno(r, "find out what is mounted on '%s'", path);
	if (r == 1)
		return log_refuse(-EBUSY, "'%s': something else is mounted over the stack; umount that first", path);
	if (r == 2)
		return log_refuse(-EBUSY, "'%s': mounted in another mount namespace; umount it there", path);
	return 0; /* never attached, in a namespace that has ended, or unmounted by hand */
}

static const struct record_field attachment_fields[] = {
	{ FIELD_TEXT, offsetof(struct attachment_record, path), { NULL } },
	{ FIELD_TEXT, offsetof(struct attachment_record, mount), { NULL } },
	{ FIELD_END, 0, { NULL } },
};

const struct record_kind record_attachment = {
	.name = "attachment",
	.size = sizeof(struct attachment_record),
	.fields = attachment_fields,
	.phase = UNDO_MOUNT,
	.undo = attachment_undo,
	.alive = attachment_alive,
};
