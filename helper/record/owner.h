/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../base/process.h"
#include "journal.h"

/* Whose journal it is: a container's, or that of `lxc-bdev mount`. */
struct owner {
	const char *name;	/* the container's; or the mount's target */
	const char *dir;	/* the container's directory; "" for a mount */
	struct process monitor; /* of this run; .pid 0: none */
	bool keep;		/* a reboot of the container keeps the stack */
	const char *delta;	/* the upper of LXC's own overlay above the stack; "" without one */
};

/* Begin a journal with its owner. 0 or -errno (logged). */
int owner_begin(struct journal *journal, const struct owner *owner);

/* The owner of a journal; one with empty names if an interrupted helper recorded none. The journal's, never NULL. */
const struct owner *owner_of(const struct journal *journal);
bool owner_is_container(const struct owner *owner);

/* Whether the owner's monitor runs: 1; 0, also when there is none; or -errno (not logged). */
int owner_runs(const struct owner *owner);

/* "container 'NAME'" or "mount on 'TARGET'", for the caller to free. */
char *owner_describe(const struct owner *owner);
