/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* owner - the container or mount that a journal belongs to, and the run of the container. */
#include "owner.h"
#include "../base/cleanup.h"
#include "show.h"

int owner_begin(struct journal *journal, const struct owner *owner)
{
	int r = journal_begin(journal);

	return r ?: journal_add(journal, &record_owner, owner);
}

const struct owner *owner_of(const struct journal *journal)
{
	static const char none[] = "";
	static const struct owner nobody = { .name = none, .dir = none, .delta = none };

	return journal_first(journal, &record_owner) ?: &nobody;
}

bool owner_is_container(const struct owner *owner)
{
	return *owner->dir;
}

int owner_runs(const struct owner *owner)
{
	return owner->monitor.pid ? process_alive(&owner->monitor) : 0;
}

char *owner_describe(const struct owner *owner)
{
	return owner_is_container(owner) ? xasprintf("container '%s'", owner->name)
					 : xasprintf("mount on '%s'", *owner->name ? owner->name : "?");
}

static int owner_alive(const struct journal *journal, const void *fields)
{
	(void)journal;
	return owner_runs(fields);
}

static void owner_show(const void *fields, struct shown *shown)
{
	const struct owner *owner = fields;

	shown->delta = *owner->delta ? owner->delta : NULL;
}

static const struct record_field owner_fields[] = {
	{ FIELD_TEXT, offsetof(struct owner, name), { NULL } },
	{ FIELD_TEXT, offsetof(struct owner, dir), { NULL } },
	{ FIELD_PROCESS, offsetof(struct owner, monitor), { NULL } },
	{ FIELD_FLAG, offsetof(struct owner, keep), { "release", "keep" } },
	{ FIELD_TEXT, offsetof(struct owner, delta), { NULL } },
	{ FIELD_END, 0, { NULL } },
};

const struct record_kind record_owner = {
	.name = "owner",
	.size = sizeof(struct owner),
	.fields = owner_fields,
	.alive = owner_alive,
	.show = owner_show,
};
