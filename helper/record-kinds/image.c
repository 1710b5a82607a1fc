/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * image - an image file that the stack uses.
 */
#include "image.h"
#include "../base/cleanup.h"
#include "../base/log.h"
#include "../base/path.h"
#include "../base/process.h"
#include "../record/show.h"
#include "../record/undo.h"

#include <fcntl.h>
#include <sys/file.h>

struct image_record {
	char *inode, *path;
	bool writes;
};

int image_record(struct journal *journal, int image, bool writes)
{
	_cleanup_free_ char *inode = path_inode(image), *path = path_of(image);

	return journal_add(journal, &record_image, &(struct image_record){ inode, path, writes });
}

/*
 * Open the image if it is still the recorded file. Returns an fd; -ENOENT: the file is gone or another one; or -errno.
 */
static int open_recorded(const struct image_record *image)
{
	int fd = path_open_inode(image->path, image->inode, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW);

	return fd == -ESTALE ? -ENOENT : fd;
}

/*
 * Wait until the kernel has released the image after its last unmount. A timeout is no error: another holder may
 * rightly use the image by then. Returns 0.
 */
static int image_undo(struct undo *undo, const struct record *record)
{
	const struct image_record *image = record->fields;
	long long until = process_clock() + UNDO_WAIT_MS;
	_cleanup_close_ int fd = -EBADF;

	/* Without an attachment, only the process that built the stack used the image, and that process has ended. */
	if (!image->writes || undo->steps[record->step].busy || !journal_first(undo->journal, &record_attachment))
		return 0;
	fd = open_recorded(image);
	if (fd < 0) {
		if (fd != -ENOENT)
			log_warn("cannot wait until image '%s' is free: %s", image->path, strerror(-fd));
		return 0;
	}
	while (flock(fd, LOCK_SH | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK || process_clock() >= until) {
			log_warn("image '%s' is still in use: a process holds its mount, or another start uses it",
				 image->path);
			return 0;
		}
		process_sleep(2);
	}
	return 0;
}

static int image_alive(const struct journal *journal, const void *fields)
{
	_cleanup_close_ int fd = open_recorded(fields);

	(void)journal;
	return fd >= 0 ? 1 : fd == -ENOENT ? 0 : fd;
}

static void image_claim(const void *fields, struct claim *ret)
{
	const struct image_record *image = fields;

	*ret = (struct claim){ .object = CLAIM_IMAGE,
			       .mode = image->writes ? CLAIM_WRITE : CLAIM_READ,
			       .id = image->inode };
}

static void image_show(const void *fields, struct shown *shown)
{
	const struct image_record *image = fields;

	shown->step->image = image->path;
	shown->step->lock = image->writes ? "rw" : "ro";
}

static const struct record_field image_fields[] = {
	{ FIELD_TEXT, offsetof(struct image_record, inode), { NULL } },
	{ FIELD_TEXT, offsetof(struct image_record, path), { NULL } },
	{ FIELD_FLAG, offsetof(struct image_record, writes), { "ro", "rw" } },
	{ FIELD_END, 0, { NULL } },
};

const struct record_kind record_image = {
	.name = "image",
	.size = sizeof(struct image_record),
	.fields = image_fields,
	.phase = UNDO_IMAGE,
	.undo = image_undo,
	.alive = image_alive,
	.claim = image_claim,
	.show = image_show,
};
