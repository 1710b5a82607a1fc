/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * nbd - an nbd device, known by the name of its backend. An armed device disconnects by itself after its last mount.
 * One whose maker was killed before arming it is idle, and a release disconnects it. A device in use is never
 * disconnected.
 */
#include "nbd.h"
#include "../base/process.h"
#include "../base/cleanup.h"
#include "../base/log.h"
#include "../kernel/nbd.h"
#include "../record/undo.h"
#include "../record/uses.h"
#include "server.h"

/* A start may hold the lock until its server has started. */
#define SHARED_WAIT_MS 35000

struct nbd_record {
	char *backend;
};

int nbd_record(struct journal *journal, const char *backend)
{
	_cleanup_free_ char *copy = xstrdup(backend);

	return journal_add(journal, &record_nbd, &(struct nbd_record){ copy });
}

bool nbd_record_is(const struct record *record, const char *node)
{
	int nr = nbd_find(((const struct nbd_record *)record->fields)->backend);
	_cleanup_free_ char *whole = nr < 0 ? NULL : nbd_node(nr);

	return whole && strncmp(node, whole, strlen(whole)) == 0;
}

/* Test whether the device is the recorded one: a backend name with a pid is valid only while that process lives. */
static int is_ours(const struct journal *journal, const char *backend)
{
	size_t n = strlen(NBD_BY_PID);

	return strncmp(backend, NBD_BY_PID, n) == 0 ? server_lives(journal, (pid_t)strtol(backend + n, NULL, 10)) : 1;
}

static int nbd_alive(const struct journal *journal, const void *fields)
{
	const struct nbd_record *nbd = fields;
	int r = is_ours(journal, nbd->backend), nr;

	if (r <= 0)
		return r;
	nr = nbd_find(nbd->backend);
	return nr >= 0 ? 1 : nr == -ENOENT ? 0 : nr;
}

/*
 * Disconnect the device if it is idle and no other reader has taken it. Returns 1: there is nothing more to do; 0: the
 * device is in use; or -errno (logged).
 */
static int try_disconnect(const struct undo *undo, const struct record *record, bool offered)
{
	const struct nbd_record *nbd = record->fields;
	/* The lock keeps starts from taking the device between the search for users and its end. */
	_cleanup_close_ int lock = offered ? rundir_lock(SHARED_WAIT_MS) : -EBADF;
	int r, nr;

	if (offered && lock < 0)
		return log_errno(lock, "lock '%s', which readers of '%s' share", RUN_DIR, nbd->backend);
	nr = nbd_find(nbd->backend);
	if (nr < 0)
		return nr == -ENOENT ? 1 : log_errno(nr, "find the device of '%s'", nbd->backend);
	r = uses_shared(undo->journal, record);
	if (r)
		return r;
	r = nbd_disconnect_idle(nr, nbd->backend);
	/* A device without a node is being removed. */
	if (r == -EBUSY || r == -ENOENT || r == -ENXIO || r == -ENODEV)
		return 0;
	return r < 0 ? log_errno(r, "disconnect '/dev/nbd%d'", nr) : 1;
}

static int nbd_undo(struct undo *undo, const struct record *record)
{
	const struct nbd_record *nbd = record->fields;
	bool offered = undo_step_has(undo, record, &record_offer);
	long long until = process_clock() + UNDO_WAIT_MS;
	int r = is_ours(undo->journal, nbd->backend);

	if (r < 0)
		return log_errno(r, "find out whether the server of '%s' lives", nbd->backend);
	if (r == 0)
		return 0;
	while ((r = try_disconnect(undo, record, offered)) == 0) {
		if (process_clock() >= until)
			return undo_complain(undo, record, nbd->backend);
		process_sleep(5);
	}
	return r < 0 ? r : 0;
}

static void nbd_claim(const void *fields, struct claim *ret)
{
	const struct nbd_record *nbd = fields;

	*ret = (struct claim){ .object = CLAIM_DEVICE, .mode = CLAIM_READ, .id = nbd->backend };
}

static const struct record_field nbd_fields[] = {
	{ FIELD_TEXT, offsetof(struct nbd_record, backend), { NULL } },
	{ FIELD_END, 0, { NULL } },
};

const struct record_kind record_nbd = {
	.name = "nbd",
	.size = sizeof(struct nbd_record),
	.fields = nbd_fields,
	.phase = UNDO_DEVICE,
	.undo = nbd_undo,
	.alive = nbd_alive,
	.claim = nbd_claim,
};
