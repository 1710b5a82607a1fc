/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * volatile - the kernel's marker in the work directory of a volatile overlay. The marker means that a crash of the host
 * may have damaged the upper. A release removes it after the overlay has ended and its data are synced.
 */
#include "volatile.h"
#include "../base/cleanup.h"
#include "../base/log.h"
#include "../base/path.h"
#include "../base/process.h"
#include "../kernel/overlay.h"
#include "../record/undo.h"

#include <fcntl.h>

struct volatile_record {
	char *inode, *path; /* of the work directory */
};

int volatile_record(struct journal *journal, int work)
{
	_cleanup_free_ char *inode = path_inode(work), *path = path_of(work);

	return journal_add(journal, &record_volatile, &(struct volatile_record){ inode, path });
}

/* Open the work directory if it is still the recorded one. Returns an fd; -ENOENT: it does not exist; or -errno. */
static int open_recorded(const struct volatile_record *record)
{
	int work = path_open_inode(record->path, record->inode, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);

	return work == -ENOTDIR || work == -ELOOP || work == -ESTALE ? -ENOENT : work;
}

static int volatile_alive(const struct journal *journal, const void *fields)
{
	_cleanup_close_ int work = open_recorded(fields);

	(void)journal;
	return work < 0 ? (work == -ENOENT ? 0 : work) : path_has(work, "work/incompat/volatile", S_IFDIR);
}

/* Remove the marker. Returns 0, also when there is none, or -errno (logged). */
static int clear_marker(int work, const char *name)
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
 * Sync the upper and remove the marker. While the overlay is still in use, the marker stays, and the journal with it.
 * Returns 0 or -errno (logged).
 */
static int volatile_undo(struct undo *undo, const struct record *record)
{
	const struct volatile_record *recorded = record->fields;
	_cleanup_close_ int work = open_recorded(recorded), root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	long long until = process_clock() + UNDO_WAIT_MS;
	int r;

	(void)undo;
	if (work == -ENOENT)
		return 0;
	if (work < 0)
		return log_errno(work, "open work directory '%s'", recorded->path);
	while ((r = root < 0 ? -EBADF : overlayfs_in_use(work, root))) {
		if (r < 0)
			return log_errno(r, "find out whether work directory '%s' is in use", recorded->path);
		if (process_clock() >= until)
			return log_refuse(-EBUSY, "work directory '%s' is still in use: a process holds its overlay",
					  recorded->path);
		process_sleep(5);
	}
	if (syncfs(work) < 0) {
		log_warn("sync the file system of '%s': %s; its upper stays marked as damaged", recorded->path,
			 strerror(errno));
		return 0;
	}
	return clear_marker(work, recorded->path);
}

static const struct record_field volatile_fields[] = {
	{ FIELD_TEXT, offsetof(struct volatile_record, inode), { NULL } },
	{ FIELD_TEXT, offsetof(struct volatile_record, path), { NULL } },
	{ FIELD_END, 0, { NULL } },
};

const struct record_kind record_volatile = {
	.name = "volatile",
	.size = sizeof(struct volatile_record),
	.fields = volatile_fields,
	.phase = UNDO_OVERLAY,
	.undo = volatile_undo,
	.alive = volatile_alive,
};
