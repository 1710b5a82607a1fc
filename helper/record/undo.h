/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "journal.h"

/* The result so far of undoing the records of one step. */
struct undo_step {
	bool busy;   /* a device is in use: its server stays, and the release does not wait for its image */
	bool failed; /* an error was logged */
};

/* An undo of a whole journal, for the `undo` of the record kinds. */
struct undo {
	const struct journal *journal;
	struct undo_step *steps; /* indexed by step number */
};

/* Test whether the step of this record has a record of that kind. */
bool undo_step_has(const struct undo *undo, const struct record *record, const struct record_kind *kind);

/*
 * How long a release waits for a mount or device that is ending: the last umount of a file system may be another
 * namespace's, and the kernel then needs milliseconds.
 */
#define UNDO_WAIT_MS 5000

/*
 * Log that a device is in use. Returns 1: readers share the device, and it ends with the last of them, together with
 * its server; or -EBUSY: a writer uses it.
 */
int undo_complain(const struct undo *undo, const struct record *record, const char *device);
