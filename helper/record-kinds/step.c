/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* step - one spec of the stack. The records of its acts have its number. */
#include "step.h"
#include "../base/cleanup.h"
#include "../record/show.h"

struct step_record {
	char *spec;
	char *dir; /* of the container whose spec it is; "": the owner's own */
};

int step_begin(struct journal *journal, const char *spec, const char *dir)
{
	_cleanup_free_ char *spec_copy = xstrdup(spec), *dir_copy = xstrdup(dir ?: "");

	journal->step++;
	return journal_add(journal, &record_step, &(struct step_record){ spec_copy, dir_copy });
}

const char *step_last(const struct journal *journal)
{
	const struct record *record = NULL, *last = NULL;

	while ((record = journal_next(journal, &record_step, record)))
		last = record;
	return last ? ((const struct step_record *)last->fields)->spec : NULL;
}

static void step_show(const void *fields, struct shown *shown)
{
	const struct step_record *step = fields;

	shown->step->spec = step->spec;
	shown->step->container = *step->dir ? step->dir : NULL;
}

static const struct record_field step_fields[] = {
	{ FIELD_TEXT, offsetof(struct step_record, spec), { NULL } },
	{ FIELD_TEXT, offsetof(struct step_record, dir), { NULL } },
	{ FIELD_END, 0, { NULL } },
};

const struct record_kind record_step = {
	.name = "step",
	.size = sizeof(struct step_record),
	.fields = step_fields,
	.show = step_show,
};
