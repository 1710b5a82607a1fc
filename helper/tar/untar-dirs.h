/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "untar-job.h"

/* The chain of directories that are open: from the top to the current one. */

/* Begin the chain with the top, the empty directory `to`. Returns 0 or -errno. */
int dirs_start(struct job *job, int to);
/* Go to the directory of the first n names. make: missing ones are made, with the attributes of the nearest lower layer
 * that has them. Returns 0; -ENOENT: one is missing; -ENOTDIR, -ELOOP: something else has the name; or another -errno.
 */
int dirs_go(struct job *job, const struct names *names, size_t n, bool make);
/* Leave all directories but the first n, which gives them their final attributes. Returns 0 or -errno. */
int dirs_leave(struct job *job, size_t n);
/* Extract an entry that is a directory; it may exist. Returns 0 or -errno. */
int dirs_extract(struct job *job, struct archive_entry *entry);
/* Close and free the chain. */
void dirs_free(struct job *job);
