/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* server - a process that serves an image, or the watcher of its device. */
#include "server.h"
#include "../base/cleanup.h"
#include "../base/log.h"
#include "../base/process.h"
#include "../record/show.h"
#include "../record/undo.h"
#include "../record/uses.h"

#include <signal.h>

/* How long an idle watcher or server may take to end by itself, and after SIGTERM. */
#define WAIT_MS 2000
#define END_MS	60000

struct server_record {
	struct process process;
	char *name;
};

int server_record(struct journal *journal, const struct process *process, const char *name)
{
	_cleanup_free_ char *copy = xstrdup(name);

	return journal_add(journal, &record_server, &(struct server_record){ *process, copy });
}

static int server_alive(const struct journal *journal, const void *fields)
{
	(void)journal;
	return process_alive(&((const struct server_record *)fields)->process);
}

int server_lives(const struct journal *journal, pid_t pid)
{
	const struct record *record = NULL;
	int r = 0;

	while (r == 0 && (record = journal_next(journal, &record_server, record)))
		if (((const struct server_record *)record->fields)->process.pid == pid)
			r = server_alive(journal, record->fields);
	return r;
}

/*
 * Wait for the end of a server whose device is released, and send it SIGTERM if it does not end by itself. It may still
 * have much to write. Returns 0 or -errno (logged).
 */
static int server_undo(struct undo *undo, const struct record *record)
{
	const struct server_record *server = record->fields;
	const struct undo_step *step = &undo->steps[record->step];
	int r;

	if (step->busy || step->failed)
		return 0;
	r = uses_shared(undo->journal, record);
	if (r)
		return r < 0 ? r : 0;
	r = process_wait(&server->process, WAIT_MS);
	if (r == -ETIMEDOUT) {
		r = process_kill(&server->process, SIGTERM);
		if (r == 0)
			r = process_wait(&server->process, END_MS);
	}
	if (r == -ETIMEDOUT)
		return log_refuse(-EBUSY, "%s (pid %d) has not ended: it may still write the image", server->name,
				  (int)server->process.pid);
	return r < 0 ? log_errno(r, "end %s (pid %d)", server->name, (int)server->process.pid) : 0;
}

static void server_claim(const void *fields, struct claim *ret)
{
	const struct server_record *server = fields;

	*ret = (struct claim){ .object = CLAIM_DEVICE,
			       .mode = CLAIM_READ,
			       .number = (unsigned long long)server->process.pid };
}

static void server_show(const void *fields, struct shown *shown)
{
	const struct server_record *server = fields;

	/* The first one is QEMU; the others are watchers. */
	if (shown->step->server.pid)
		return;
	shown->step->server = server->process;
	shown->step->server_ended = process_alive(&server->process) == 0;
}

static const struct record_field server_fields[] = {
	{ FIELD_PROCESS, offsetof(struct server_record, process), { NULL } },
	{ FIELD_TEXT, offsetof(struct server_record, name), { NULL } },
	{ FIELD_END, 0, { NULL } },
};

const struct record_kind record_server = {
	.name = "server",
	.size = sizeof(struct server_record),
	.fields = server_fields,
	.phase = UNDO_SERVER,
	.undo = server_undo,
	.alive = server_alive,
	.claim = server_claim,
	.show = server_show,
};
