/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The linked clones of containers, in LXC's own records: LXC refuses to destroy the base of a linked clone, and updates
 * the records when it destroys a clone. All containers are named by their directories.
 */

/*
 * Find the base of a container that was cloned by lxc-copy -s or -e or as a linked clone: *ret, its directory, for the
 * caller to free. Returns 1; 0: the container is no clone; or -errno (logged): that could not be read.
 */
int dependencies_base(const char *dir, char **ret);

/*
 * Look for the linked clones of the container: *ret, the quoted directories of all as one text, for the caller to free.
 * counts (may be NULL) tells whether a clone counts: 1, 0 or -errno (logged). Returns 1; 0: the container has no such
 * clone, and *ret is NULL; or -errno (logged): the records or a clone could not be read.
 */
int dependencies_clones(const char *dir, int (*counts)(const char *clone), char **ret);

/*
 * Record for LXC that a container depends on its base, both named by their directories (absolute): LXC then does not
 * destroy the base, and removes the record when it destroys the container. Returns 0 or -errno.
 */
int dependencies_record(const char *dir, const char *base);
/* Remove the base's record of the container, if there is one. Returns 0 or -errno. */
int dependencies_forget(const char *dir, const char *base);
