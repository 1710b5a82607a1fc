/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "journal.h"

/*
 * Who uses the directory at fd, or one in it, so that another in its place would be missed: stacks of ours as their
 * records say it, and any mount on this host. Text that goes on after "is in use", for the caller to free, or NULL.
 * Not seen is what the kernel does not tell: a lower that an overlay of others names by a relative path.
 */
char *dirinuse_by(int dir);

/*
 * Record that the stack shows the directory, which `source` names from dirfd. Who converts it has it locked, and is
 * waited for at most wait_ms. 0 or -errno, after an error line that begins with `where`.
 */
int dirinuse_record(struct journal *journal, int dir, int dirfd, const char *source, const char *where, int wait_ms);
