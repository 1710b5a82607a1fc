/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../config/config-file.h"
#include "../config/container.h"
#include "../record/journal.h"

/* Does LXC or lxc-bdev remove the container of this config when it stops? 1, 0 or -errno (logged). */
int ephemeral_is(const char *config);

/* Is it one that lxc-bdev ephemeral made, to be removed when it stops? 1; 0, also when the config does not exist;
 * or -errno (logged).
 */
int ephemeral_has_mark(const char *config);

/*
 * Was the container `name` in this directory made by lxc-bdev ephemeral, and is nobody there any more who would remove
 * it: neither the command that made it nor a monitor of LXC's? So a crash of the host leaves it. 1, 0 or -errno
 * (logged).
 */
int ephemeral_is_left(const char *dir, const char *name);

/* What a new container on the stack of another one, its base, is to be like. */
struct ephemeral_request {
	const struct container *base;
	const struct conf *conf;  /* the base's */
	const char *lxcpath;	  /* where it is made, as LXC's tools are to be told */
	const char *name;	  /* NULL: the base's and six random letters */
	const char *const *specs; /* what is above the base's stack, up to a NULL */
	bool keepdata, keepname;
};

/* A container that was made. */
struct ephemeral {
	char *name, *dir, *config, *logfile;
	char *base; /* the directory of the container that it stands on */
	bool made;  /* the config is there, and ours */
	int log;    /* its log file, which LXC's monitor writes to for as long as it lives */
};

/* The new container's whole config: *ret, for the caller to free. 0 or -errno (logged). */
int ephemeral_config(const struct ephemeral_request *request, const struct ephemeral *ephemeral, char **ret);

/*
 * Make the container's directory and, last of all, its config. 0 or -errno (logged), then nothing is left.
 * ephemeral_clear() in both cases.
 */
int ephemeral_make(const struct ephemeral_request *request, struct ephemeral *ret);
void ephemeral_clear(struct ephemeral *ephemeral);

/*
 * Record for LXC what it stands on: LXC does not destroy that then, and a start of ours does not write to it. LXC takes
 * the record back. 0 or -errno (logged).
 */
int ephemeral_record(const struct ephemeral *ephemeral);

/* Remove its directory and the record, if they are still there. It must not run. 0 or -errno (logged). */
int ephemeral_remove(const struct ephemeral *ephemeral);

/* Wait, at most ms milliseconds, until LXC has done with it, post-stop and removal included. 0, -ETIMEDOUT, or
 * -errno when that is unknown. */
int ephemeral_wait_end(const struct ephemeral *ephemeral, int ms);

/* What the log says of its start: why it failed, for the caller to free, or NULL. *ret_ran: its init was executed. */
char *ephemeral_complaint(const struct ephemeral *ephemeral, bool *ret_ran);
