/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "store.h"

/* A staging directory, in which a layer is made. */
struct staging {
	char *name; /* in the store */
	int fd;
};

/* Make an empty staging directory, and lock it. It is a leftover once this process ends, unless layer_add() made a
 * layer of it. Returns 0 or -errno (logged). */
int staging_create(const struct store *store, struct staging *ret);
/* Close the staging directory, and remove it; what is in it is left to the purge. */
void staging_discard(const struct store *store, struct staging *staging);
/* Give its top the owner and mode of the parent layer's (-EBADF: none), which it will cover; all: also extended
 * attributes and times. Returns 0 or -errno (logged). */
int staging_inherit(const struct store *store, const struct staging *staging, int parent, bool all);
/* Move DIR/NAME of the store to where it is purged. Returns 0, also when there is none, or -errno (logged). */
int staging_bury(const struct store *store, const char *dir, const char *name);

/*
 * Look for leftovers: entries of the staging directory, open as `fd`, that no process has locked. remove: remove them.
 * Returns 1, also when others could not be looked at; 0: there are none; or -errno: an entry could not be looked at,
 * and no other is a leftover.
 */
int staging_leftovers(int fd, bool remove);
/* Claim the purge of leftovers for this process. Returns a descriptor for staging_purge(), or -EBADF: there is nothing
 * to do. */
int staging_claim_purge(const struct store *store);
/* Remove leftovers in a process of its own that nobody waits for. Closes the descriptor; -EBADF: does nothing. */
void staging_purge(int fd);
/* Return 1 if such a process is at work in the staging directory, open as `fd`; 0; or -errno. */
int staging_is_purged(int fd);
