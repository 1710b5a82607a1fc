/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "journal.h"

/* A claim that was found. */
struct use {
	char *user; /* "container 'NAME'" or "mount on 'TARGET'"; or what could not be read; for the caller to free */
	unsigned int mode; /* enum claim_mode */
	bool container;	   /* the user is a container */
};

/* As uses_who(), with all that is known of the user; on -errno, user says only what could not be read. */
int uses_find(const struct claim *claim, bool running, const char *except, struct use *ret);

/*
 * Find a journal, but not that in the directory `except` (which may be NULL), with a record that claims the same object
 * in one of the claim's modes. `running`: only one of a container that runs, or of a mount; one of which that cannot be
 * found out counts. 1: *ret_user is "container 'NAME'" or "mount on 'TARGET'"; 0; or -errno (not logged): *ret_user is
 * "an unknown user: ..." with what could not be read. For the caller to free.
 */
int uses_who(const struct claim *claim, bool running, const char *except, char **ret_user);

/* Find a running container that has a view of the one in dir, or writes to it. Results as of uses_who(). */
int uses_container(const char *dir, enum claim_mode mode, const char *except, char **ret_user);

/*
 * Whether a device or server that readers share, which this record claims, is recorded by another journal that runs,
 * and so is not ours to end. 1, 0, or -errno (logged).
 */
int uses_shared(const struct journal *journal, const struct record *record);
