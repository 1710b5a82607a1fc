/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "journal.h"

/* A user that was found. */
struct use {
	char *user;	   /* "container 'NAME'" or "mount on 'TARGET'", for the caller to free */
	unsigned int mode; /* enum claim_mode */
	bool container;	   /* the user is a container */
};

/*
 * Find a user as uses_who() does, with all that is known of it. Returns the same; with -errno, `user` says only what
 * could not be read.
 */
int uses_find(const struct claim *claim, bool running, const char *except, struct use *ret);

/*
 * Find the user of an object: a journal, except the one in the directory `except` (which may be NULL), with a record
 * that claims the object in one of the claim's modes. `running`: only mounts and containers that run, or may run,
 * count. Returns 1: *ret_user is "container 'NAME'" or "mount on 'TARGET'"; 0; or -errno (not logged): *ret_user is "an
 * unknown user: ..." with what could not be read. *ret_user is for the caller to free.
 */
int uses_who(const struct claim *claim, bool running, const char *except, char **ret_user);

/*
 * Find a running container that has a view of the container in dir, or writes to its stack. Returns the same as
 * uses_who().
 */
int uses_container(const char *dir, enum claim_mode mode, const char *except, char **ret_user);

/*
 * Test whether another running journal records the device or server that this record claims, so that it must not be
 * ended yet. Returns 1, 0, or -errno (logged).
 */
int uses_shared(const struct journal *journal, const struct record *record);
