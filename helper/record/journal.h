/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../base/process.h"
#include "../config/container.h"
#include "rundir.h"

#include <stdbool.h>
#include <stddef.h>

/* One line: a kind and its fields, TAB-separated. */
struct record {
	char *kind;
	char **fields;
	size_t n;
};

/* What has been done for one container or one `mount` target. The open journal is locked. */
struct journal {
	char *dir; /* RUN_DIR/ID */
	int dirfd; /* its lock is a flock(2) on this */
	int fd;	   /* the file being written, -EBADF before journal_begin */
	struct record *records;
	size_t n;
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

/* Start anew: forget all records, write who this is and, unless NULL, the monitor whose generation begins. */
int journal_begin(struct journal *journal, const char *place, const char *name, const struct process *monitor);

/* Append a record: the fields up to a NULL. One write(2), before the act it tells of. 0 or -errno (logged). */
int journal_add(struct journal *journal, const char *kind, ...) __attribute__((sentinel));

/* The n-th field of the first record of this kind, or NULL. */
const char *journal_get(const struct journal *journal, const char *kind, size_t n);

/* The generation's monitor; false: none recorded, or recorded in another boot. */
bool journal_monitor(const struct journal *journal, struct process *ret);

/* Remove the journal and its directory, and close it. 0 or -errno (logged): the directory is still there. */
int journal_discard(struct journal *journal);

/*
 * Whose journal has a record of this kind with this first field: "container 'NAME'" and the like, for the caller to
 * free, or NULL. Not counting the journal in `except` (a RUN_DIR/ID), which may be NULL. A journal that cannot be read
 * counts: the text then says "an unknown user: cannot read ...", and callers refuse with it as with any other user.
 */
char *journal_find_holder(const char *kind, const char *field, const char *except);

/* Is this such a text? */
bool journal_is_unknown(const char *user);

/* The same, but only of a container that runs, or may run as its monitor's state cannot be read; or a mount. */
char *journal_find_running(const char *kind, const char *field, const char *except);
