/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * container - views and writers of a container's stack.
 */
#include "container.h"
#include "../base/cleanup.h"
#include "../record/show.h"

struct container_record {
	char *dir;
};

int container_record(struct journal *journal, const char *dir, bool writes)
{
	_cleanup_free_ char *copy = xstrdup(dir);

	return journal_add(journal, writes ? &record_writer : &record_view, &(struct container_record){ copy });
}

bool container_record_writes(const struct journal *journal)
{
	return journal_first(journal, &record_writer);
}

static void view_claim(const void *fields, struct claim *ret)
{
	*ret = (struct claim){ .object = CLAIM_CONTAINER,
			       .mode = CLAIM_VIEW,
			       .id = ((const struct container_record *)fields)->dir };
}

static void writer_claim(const void *fields, struct claim *ret)
{
	view_claim(fields, ret);
	ret->mode = CLAIM_WRITE;
}

static void view_show(const void *fields, struct shown *shown)
{
	*(const char **)array_grow(&shown->bases, &shown->nbases, sizeof(*shown->bases)) =
		((const struct container_record *)fields)->dir;
}

static const struct record_field container_fields[] = {
	{ FIELD_TEXT, offsetof(struct container_record, dir), { NULL } },
	{ FIELD_END, 0, { NULL } },
};

const struct record_kind record_view = {
	.name = "view",
	.size = sizeof(struct container_record),
	.fields = container_fields,
	.claim = view_claim,
	.show = view_show,
};

const struct record_kind record_writer = {
	.name = "writer",
	.size = sizeof(struct container_record),
	.fields = container_fields,
	.claim = writer_claim,
};
