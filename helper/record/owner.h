/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../base/process.h"
#include "journal.h"

/* The owner of a journal: a container, or a target of `lxc-bdev mount`. */
struct owner {
	const char *name;	/* of the container; or the mount's target */
	const char *dir;	/* the container's directory; "" for a mount */
	struct process monitor; /* of this run; .pid 0: none */
	bool keep;		/* a reboot of the container keeps the stack */
	const char *delta;	/* the upper of LXC's own overlay above the stack; "" without one */
};

/* Begin a journal and record its owner. Returns 0 or -errno (logged). */
int owner_begin(struct journal *journal, const struct owner *owner);

/*
 * Return the owner of a journal, never NULL; its names are empty if an interrupted helper recorded none. The journal
 * keeps it.
 */
const struct owner *owner_of(const struct journal *journal);
/* Test whether the owner is a container, and not a mount. */
bool owner_is_container(const struct owner *owner);

/* Test whether the owner's monitor runs. Returns 1; 0, also when there is no monitor; or -errno (not logged). */
int owner_runs(const struct owner *owner);

/* Return "container 'NAME'" or "mount on 'TARGET'", for the caller to free. */
char *owner_describe(const struct owner *owner);
