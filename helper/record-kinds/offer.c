/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * offer - one server and one device for all readers of the same image.
 *
 * The process that made them offers the device in its journal, after the records of what the device needs. A process
 * that takes the offer opens the device and copies those records. It checks them only with the device open, since then
 * they stay valid.
 */
#include "offer.h"
#include "../base/cleanup.h"
#include "loop.h"
#include "nbd.h"

#include <fcntl.h>

struct offer_record {
	char *key, *node, *fstype;
};

int offer_make(struct journal *journal, const char *key, const char *node, const char *fstype)
{
	_cleanup_free_ char *key_copy = xstrdup(key), *node_copy = xstrdup(node), *fstype_copy = xstrdup(fstype);

	return journal_add(journal, &record_offer, &(struct offer_record){ key_copy, node_copy, fstype_copy });
}

/* Test whether an offered device needs the recorded object, so that both are released together. */
static bool is_needed(const struct record *record)
{
	return record->kind == &record_server || record->kind == &record_nbd || record->kind == &record_loop;
}

/*
 * Test whether the record is still true of the open device. Unknown counts as no: the image is then served once more.
 */
static bool is_valid(const struct journal *theirs, const struct record *record, int device, const char *node)
{
	if (record->kind == &record_loop)
		return loop_record_is(record, node, device);
	if (record->kind == &record_nbd)
		return nbd_record_is(record, node);
	return record->kind->alive(theirs, record->fields) == 1;
}

/* Take an offer of another journal. Returns an fd; -ENOENT: the offer is not valid any more; or -errno (logged). */
static int take(const struct journal *theirs, const struct record *offer, struct journal *journal)
{
	const char *node = ((const struct offer_record *)offer->fields)->node;
	_cleanup_close_ int device = open(node, O_RDONLY | O_CLOEXEC);
	int r = 0;

	if (device < 0)
		return -ENOENT;
	for (const struct record *record = theirs->records; record < offer; record++)
		if (record->step == offer->step && is_needed(record) && !is_valid(theirs, record, device, node))
			return -ENOENT;
	for (const struct record *record = theirs->records; r == 0 && record <= offer; record++)
		if (record->step == offer->step && (is_needed(record) || record == offer))
			r = journal_copy(journal, record);
	return r < 0 ? r : TAKE_FD(device);
}

/* Take the first valid offer with this key in another journal. Returns the same as take(). */
static int take_from(const struct journal *theirs, struct journal *journal, const char *key, char **ret_node,
		     char **ret_fstype)
{
	const struct record *record = NULL;
	int device = -ENOENT;

	while (device == -ENOENT && (record = journal_next(theirs, &record_offer, record))) {
		const struct offer_record *offer = record->fields;

		if (strcmp(offer->key, key) != 0)
			continue;
		device = take(theirs, record, journal);
		if (device >= 0) {
			*ret_node = xstrdup(offer->node);
			*ret_fstype = xstrdup(offer->fstype);
		}
	}
	return device;
}

int offer_take(struct journal *journal, const char *key, char **ret_node, char **ret_fstype)
{
	int found = -ENOENT;
	char **ids;
	size_t n;

	/* A journal that cannot be read is skipped: the image is then served once more. */
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

static const struct record_field offer_fields[] = {
	{ FIELD_TEXT, offsetof(struct offer_record, key), { NULL } },
	{ FIELD_TEXT, offsetof(struct offer_record, node), { NULL } },
	{ FIELD_TEXT, offsetof(struct offer_record, fstype), { NULL } },
	{ FIELD_END, 0, { NULL } },
};

const struct record_kind record_offer = {
	.name = "offer",
	.size = sizeof(struct offer_record),
	.fields = offer_fields,
};
