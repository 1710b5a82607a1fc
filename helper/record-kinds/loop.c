/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * loop - a loop device. The kernel ends it with the last mount. A release waits for that only where the device is on
 * the file of a server, which must outlive it.
 */
#include "loop.h"
#include "../base/process.h"
#include "../base/cleanup.h"
#include "../base/log.h"
#include "../base/path.h"
#include "../kernel/loop.h"
#include "../record/show.h"
#include "../record/undo.h"
#include "../record/uses.h"

struct loop_record {
	char *node;
	unsigned long long diskseq; /* tells the device from later ones of this name; 0: unknown */
	char *inode;		    /* of the file */
};

int loop_record(struct journal *journal, const char *node, int device, int file)
{
	_cleanup_free_ char *inode = path_inode(file), *copy = xstrdup(node);

	return journal_add(journal, &record_loop, &(struct loop_record){ copy, loop_diskseq(device), inode });
}

bool loop_record_is(const struct record *record, const char *node, int device)
{
	const struct loop_record *loop = record->fields;

	return strcmp(loop->node, node) == 0 && loop_diskseq(device) == loop->diskseq;
}

static int loop_alive(const struct journal *journal, const void *fields)
{
	const struct loop_record *loop = fields;
	int nr;

	(void)journal;
	if (sscanf(loop->node, "/dev/loop%d", &nr) != 1)
		return 0;
	return loop_is_bound(nr, loop->diskseq);
}

static int loop_undo(struct undo *undo, const struct record *record)
{
	const struct loop_record *loop = record->fields;
	long long until = process_clock() + UNDO_WAIT_MS;

	if (!undo_step_has(undo, record, &record_server))
		return 0;
	for (;;) {
		int r = uses_shared(undo->journal, record);

		if (r)
			return r < 0 ? r : 0;
		r = loop_alive(undo->journal, loop);
		if (r < 0)
			return log_errno(r, "find out whether '%s' is in use", loop->node);
		if (r == 0)
			return 0;
		if (process_clock() >= until)
			return undo_complain(undo, record, loop->node);
		process_sleep(5);
	}
}

static void loop_claim(const void *fields, struct claim *ret)
{
	const struct loop_record *loop = fields;

	*ret = (struct claim){ .object = CLAIM_DEVICE, .mode = CLAIM_READ, .id = loop->node };
}

static void loop_show(const void *fields, struct shown *shown)
{
	const struct loop_record *loop = fields;

	shown->step->device = loop->node;
	shown->step->diskseq = loop->diskseq;
	shown->step->has_diskseq = true;
}

static const struct record_field loop_fields[] = {
	{ FIELD_TEXT, offsetof(struct loop_record, node), { NULL } },
	{ FIELD_NUMBER, offsetof(struct loop_record, diskseq), { NULL } },
	{ FIELD_TEXT, offsetof(struct loop_record, inode), { NULL } },
	{ FIELD_END, 0, { NULL } },
};

const struct record_kind record_loop = {
	.name = "loop",
	.size = sizeof(struct loop_record),
	.fields = loop_fields,
	.phase = UNDO_DEVICE,
	.undo = loop_undo,
	.alive = loop_alive,
	.claim = loop_claim,
	.show = loop_show,
};
