/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../record/journal.h"

/* How the stack uses a directory. */
enum directory_role {
	DIRECTORY_LOWER,  /* reads it */
	DIRECTORY_UPPER,  /* writes to it, through an overlay */
	DIRECTORY_BRANCH, /* writes to it, through an aufs */
};

/* Record that the stack uses the open directory. Returns 0 or -errno (logged). */
int directory_record(struct journal *journal, int dir, enum directory_role role);

/*
 * Open the directory that a step of the stack writes to, the first one that it recorded. Returns an fd (O_PATH);
 * -ENOENT: the step writes to none; -ESTALE: another directory has its path; or -errno.
 */
int directory_open_written(const struct journal *journal, unsigned int step);
