/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Which container stands on which, in LXC's own records: it refuses to destroy a container that is stood upon, and
 * keeps them when clones go. All containers are named by their directories.
 */

/*
 * What the container was cloned from last, by lxc-copy -s or -e or by link: *ret, its directory, for the caller to
 * free. 1; 0: it is no clone; or -errno (logged): that could not be read.
 */
int depends_on(const char *dir, char **ret);

/*
 * Look for the linked clones of the container: *ret, the quoted directories of all as one text, for the caller to free.
 * counts (may be NULL) tells whether a clone counts: 1, 0 or -errno (logged). Returns 1; 0: the container has no such
 * clone, and *ret is NULL; or -errno (logged): the records or a clone could not be read.
 */
int depends_dependents(const char *dir, int (*counts)(const char *clone), char **ret);

/*
 * Record for LXC that a container stands on its base, both named by their directories (absolute): it does not destroy
 * the base then, and takes the record back when it destroys the container. 0 or -errno.
 */
int depends_record(const char *dir, const char *base);
/* Take the base's record back, if there is one. 0 or -errno. */
int depends_forget(const char *dir, const char *base);
