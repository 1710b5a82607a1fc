/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../config/config-file.h"
#include "../config/container.h"
#include "../record/journal.h"

/* Test whether LXC or lxc-bdev removes the container of this config when it stops. Returns 1, 0 or -errno (logged). */
int ephemeral_is(const char *config);

/*
 * Test whether lxc-bdev ephemeral made the container of this config, to be removed when it stops. Returns 1; 0, also
 * without a config; or -errno (logged).
 */
int ephemeral_has_mark(const char *config);

/*
 * Test whether the container `name` in this directory is a leftover of lxc-bdev ephemeral after a crash of the host:
 * neither the command that made it nor a monitor of LXC's is left to remove it. Returns 1, 0 or -errno (logged).
 */
int ephemeral_is_left(const char *dir, const char *name);

/* The request for a new container above the stack of another one, its base. */
struct ephemeral_request {
	const struct container *base;
	const struct conf *conf;  /* the base's */
	const char *lxcpath;	  /* for the new container, as passed to LXC's tools */
	const char *name;	  /* NULL: the base's name and six random letters */
	const char *const *specs; /* the specs above the base's stack, up to a NULL */
	bool keepdata, keepname;
};

/* A new container. */
struct ephemeral {
	char *name, *dir, *config, *logfile;
	char *base; /* the directory of the base */
	bool made;  /* the config exists, and is ours */
	int log;    /* its log file, which LXC's monitor writes to while it lives */
};

/* Make the whole config of the new container: *ret, for the caller to free. Returns 0 or -errno (logged). */
int ephemeral_config(const struct ephemeral_request *request, const struct ephemeral *ephemeral, char **ret);

/*
 * Make the container's directory and, last of all, its config. ephemeral_clear() follows in both cases. Returns 0, or
 * -errno (logged) with nothing left behind.
 */
int ephemeral_make(const struct ephemeral_request *request, struct ephemeral *ret);
/* Free the members. The container stays. */
void ephemeral_clear(struct ephemeral *ephemeral);

/*
 * Record for LXC that the container depends on its base: LXC then does not destroy the base, and our hooks do not start
 * it as a writer. LXC removes the record with the container. Returns 0 or -errno (logged).
 */
int ephemeral_record(const struct ephemeral *ephemeral);

/*
 * Remove the container's directory and its record, if they still exist. It must not run. Returns 0 or -errno (logged).
 */
int ephemeral_remove(const struct ephemeral *ephemeral);

/*
 * Wait, at most ms milliseconds, until LXC has finished with the container, post-stop and removal included. Returns 0,
 * -ETIMEDOUT, or -errno: unknown.
 */
int ephemeral_wait_end(const struct ephemeral *ephemeral, int ms);

/*
 * Find in the log why the start failed. *ret_ran: its init was executed. Returns the text, for the caller to free, or
 * NULL.
 */
char *ephemeral_complaint(const struct ephemeral *ephemeral, bool *ret_ran);
