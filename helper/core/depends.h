/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

/*
 * Which container stands on which, in LXC's own records: it refuses to destroy a container that is stood upon, and
 * keeps them when clones go. All containers are named by their directories.
 */

/* What the container was cloned from last, by lxc-copy -s or -e or by link: its directory, for the caller to free, or
 * NULL. */
char *depends_on(const char *dir);

/*
 * A clone that stands on the container: its directory, for the caller to free, or NULL. counts (may be NULL) says of
 * one whether it is meant.
 */
char *depends_dependent(const char *dir, bool (*counts)(const char *clone));

/*
 * Record for LXC that a container stands on its base, both named by their directories (absolute): it does not destroy
 * the base then, and takes the record back when it destroys the container. 0 or -errno.
 */
int depends_record(const char *dir, const char *base);
/* Take the base's record back, if there is one. 0 or -errno. */
int depends_forget(const char *dir, const char *base);
