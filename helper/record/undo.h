/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "journal.h"

/* What the undoing of a step's records has found so far. */
struct undo_step {
	bool busy;   /* a device is in use: what it needs stays, and its image is not waited for */
	bool failed; /* an error was logged */
};

/* An undo of a whole journal, for the `undo` of the record kinds. */
struct undo {
	const struct journal *journal;
	struct undo_step *steps; /* by their numbers */
};

/* Whether the step of this record has a record of that kind. */
bool undo_step_has(const struct undo *undo, const struct record *record, const struct record_kind *kind);

/* How long a device that is just ending is waited for. */
#define UNDO_DEVICE_WAIT_MS 5000

/*
 * Say that a device is in use. 1: it is one that readers share, and ends with the last of them, together with its
 * server; -EBUSY: it is a writer's.
 */
int undo_complain(const struct undo *undo, const struct record *record, const char *device);
