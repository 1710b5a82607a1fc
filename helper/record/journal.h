/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../config/container.h"
#include "record.h"
#include "rundir.h"

#include <stdbool.h>
#include <stddef.h>

/* The records of one container or one `mount` target. An open journal is locked. */
struct journal {
	char *dir; /* RUN_DIR/ID */
	int dirfd; /* the directory; flock(2) on it is the lock */
	int fd;	   /* the file, open for writing; -EBADF before journal_begin() */
	struct record *records;
	size_t n;
	unsigned int step; /* the step of the stack that new records belong to; 0: before the first */
};

/*
 * Open the journal of `name` in directory `place` ("" for a mount target), locked as by rundir_open(), and read its
 * records. Returns 0; -ENOENT if there is none and !create; or -errno (logged).
 */
int journal_open(const char *place, const char *name, bool create, struct journal *ret);
/* Open the journal of a container, as journal_open() does. */
int journal_open_container(const struct container *container, bool create, struct journal *ret);
/*
 * Open the journal, created if necessary, with a shared lock: while any process holds it, starts of the container and
 * releases wait. Returns 0 or -errno (logged).
 */
int journal_share(const char *place, const char *name, struct journal *ret);
/* Release a shared lock, and remove the journal if it was created for the lock alone. */
void journal_unshare(struct journal *journal);
/*
 * Read the journal of an ID from rundir_list(), without the lock. Returns 0; -ENOENT: there are no records; or -errno
 * (not logged; journal_unreadable() logs and returns it): the records are unknown.
 */
int journal_peek(const char *id, struct journal *ret);
/* Log that the journal of this ID cannot be read. Returns r. */
int journal_unreadable(const char *id, int r);
/*
 * Test whether another process holds the lock of a peeked journal, and so works on its container. Unknown counts as
 * yes.
 */
bool journal_is_locked(const struct journal *journal);
/* Close the journal, which releases its lock. The file stays. */
void journal_close(struct journal *journal);

/*
 * Begin the journal anew, without any record. The owner is recorded next (record-kinds/owner.h). Returns 0 or -errno
 * (logged).
 */
int journal_begin(struct journal *journal);

/*
 * Append a record to the current step by one write(2), before the act that it records. For the typed functions of
 * record-kinds/. Returns 0 or -errno (logged).
 */
int journal_add(struct journal *journal, const struct record_kind *kind, const void *fields);
/* Append a copy of another journal's record. Returns 0 or -errno (logged). */
int journal_copy(struct journal *journal, const struct record *record);

/* Find the next record of a kind. Returns it or NULL. For record-kinds/ and record/. */
const struct record *journal_next(const struct journal *journal, const struct record_kind *kind,
				  const struct record *after);
/* Find the first record of a kind. Returns its fields or NULL. */
const void *journal_first(const struct journal *journal, const struct record_kind *kind);
/* Test whether a step has a record of this kind. */
bool journal_step_has(const struct journal *journal, unsigned int step, const struct record_kind *kind);

/* Remove the journal and its directory, and close it. Returns 0, or -errno (logged): the directory remains. */
int journal_discard(struct journal *journal);

/*
 * Remove the directory of a journal without records: the leftover of a helper that was killed before its first act or
 * after its last. Returns 0, also while another process works on it, or -errno (logged).
 */
int journal_clear_empty(const char *id);
