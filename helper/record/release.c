/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * release - undo the records of a journal, phase after phase, in each phase the newest record first. How a record is
 * undone is up to its kind (record-kinds/).
 */
#include "release.h"
#include "../base/cleanup.h"
#include "../base/log.h"
#include "../kernel/cgroup.h"
#include "undo.h"

bool undo_step_has(const struct undo *undo, const struct record *record, const struct record_kind *kind)
{
	return journal_step_has(undo->journal, record->step, kind);
}

int undo_complain(const struct undo *undo, const struct record *record, const char *device)
{
	if (undo_step_has(undo, record, &record_offer)) {
		log_warn("'%s' is still in use: a process holds a mount of it", device);
		return 1;
	}
	return log_refuse(-EBUSY, "'%s' is still in use: a process holds a mount of it", device);
}

/* Undo all records of a phase. Returns 0, or the first -errno (each failure logged). */
static int undo_phase(struct undo *undo, enum undo_phase phase)
{
	int first = 0;

	for (size_t i = undo->journal->n; i > 0; i--) {
		const struct record *record = &undo->journal->records[i - 1];
		int r = record->kind->phase == phase && record->kind->undo ? record->kind->undo(undo, record) : 0;

		undo->steps[record->step].busy |= r != 0;
		undo->steps[record->step].failed |= r < 0;
		if (r < 0 && first == 0)
			first = r;
	}
	return first;
}

int release(struct journal *journal)
{
	_cleanup_free_ struct undo_step *steps = xcalloc(journal->step + 1UL, sizeof(*steps));
	struct undo undo = { .journal = journal, .steps = steps };
	int r = undo_phase(&undo, UNDO_MOUNT);
	bool detached = r == 0;

	/* While the stack may still be mounted, its devices and images are left alone. */
	for (int phase = UNDO_MOUNT + 1; detached && phase < UNDO_PHASES; phase++) {
		int one = undo_phase(&undo, (enum undo_phase)phase);

		r = r ?: one;
	}
	if (journal_first(journal, &record_server))
		cgroup_tidy();
	if (r == 0)
		return journal_discard(journal);
	journal_close(journal);
	return r;
}
