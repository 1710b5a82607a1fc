/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* show - collect from the records of a journal what `status` shows of the stack. */
#include "show.h"
#include "../base/cleanup.h"

void show_records(const struct journal *journal, struct shown *ret)
{
	*ret = (struct shown){ .nsteps = journal->step + 1UL };
	ret->steps = xcalloc(ret->nsteps, sizeof(*ret->steps));
	for (size_t i = 0; i < journal->n; i++) {
		const struct record *record = &journal->records[i];

		ret->step = &ret->steps[record->step];
		if (record->kind->show)
			record->kind->show(record->fields, ret);
	}
	ret->step = NULL;
}

void show_clear(struct shown *shown)
{
	free(shown->steps);
	free(shown->bases);
	*shown = (struct shown){ 0 };
}
