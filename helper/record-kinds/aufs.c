/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* aufs - an aufs of the stack, to tell its branches from those of other aufs. */
#include "aufs.h"
#include "../base/cleanup.h"

struct aufs_record {
	char *si;
};

int aufs_record(struct journal *journal, const char *si)
{
	_cleanup_free_ char *copy = xstrdup(si);

	return journal_add(journal, &record_aufs, &(struct aufs_record){ copy });
}

static void aufs_claim(const void *fields, struct claim *ret)
{
	const struct aufs_record *aufs = fields;

	*ret = (struct claim){ .object = CLAIM_AUFS, .mode = CLAIM_READ, .id = aufs->si };
}

static const struct record_field aufs_fields[] = {
	{ FIELD_TEXT, offsetof(struct aufs_record, si), { NULL } },
	{ FIELD_END, 0, { NULL } },
};

const struct record_kind record_aufs = {
	.name = "aufs",
	.size = sizeof(struct aufs_record),
	.fields = aufs_fields,
	.claim = aufs_claim,
};
