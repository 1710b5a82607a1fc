/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../config/container.h"
#include "record.h"
#include "rundir.h"

#include <stdbool.h>
#include <stddef.h>

/* What has been done for one container or one `mount` target. The open journal is locked. */
struct journal {
	char *dir; /* RUN_DIR/ID */
	int dirfd; /* its lock is a flock(2) on this */
	int fd;	   /* the file being written, -EBADF before journal_begin */
	struct record *records;
	size_t n;
	unsigned int step; /* of the stack, that records are written for; 0: before the first */
};

/*
 * Open the journal of `name` in directory `place` ("" for a mount target), locked as rundir_open() does, and read what
 * it holds. 0; -ENOENT when there is none and !create; or -errno after one error line.
 */
int journal_open(const char *place, const char *name, bool create, struct journal *ret);
/* The same for a container. */
int journal_open_container(const struct container *container, bool create, struct journal *ret);
/*
 * Open it, made if need be, with a lock that others may share: as long as somebody holds it, no start of the container
 * and no release goes on. journal_unshare() ends it, and leaves nothing. 0 or -errno (logged).
 */
int journal_share(const char *place, const char *name, struct journal *ret);
void journal_unshare(struct journal *journal);
/*
 * Read the journal of an ID as rundir_list gives it, without the lock. 0; -ENOENT: there are no records; or -errno (not
 * logged; journal_unreadable() logs and returns it): what it records is unknown.
 */
int journal_peek(const char *id, struct journal *ret);
int journal_unreadable(const char *id, int r);
/* Does another process work on what the peeked journal is of, as it holds its lock? Unknown is yes. */
bool journal_is_locked(const struct journal *journal);
void journal_close(struct journal *journal);

/* Start anew: forget all records. Record the owner next (record-kinds/owner.h). 0 or -errno (logged). */
int journal_begin(struct journal *journal);

/*
 * Append a record of the current step: one write(2), before the act that it tells of. For the typed functions of
 * record-kinds/. 0 or -errno (logged).
 */
int journal_add(struct journal *journal, const struct record_kind *kind, const void *fields);
/* Append a record of another journal. 0 or -errno (logged). */
int journal_copy(struct journal *journal, const struct record *record);

/* The next record of a kind, or NULL. For record-kinds/ and record/. */
const struct record *journal_next(const struct journal *journal, const struct record_kind *kind,
				  const struct record *after);
/* The fields of the first record of a kind, or NULL. */
const void *journal_first(const struct journal *journal, const struct record_kind *kind);
/* Whether a step has a record of this kind. */
bool journal_step_has(const struct journal *journal, unsigned int step, const struct record_kind *kind);

/* Remove the journal and its directory, and close it. 0 or -errno (logged): the directory is still there. */
int journal_discard(struct journal *journal);

/*
 * Remove the directory of a journal without records, which a helper left that was killed before its first act or after
 * its last. 0, also while another process works on it, or -errno (logged).
 */
int journal_clear_empty(const char *id);
