/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "store.h"

#include <sys/types.h>

/* What the kernel says of a layer, in the mount namespaces of all processes. */
struct inuse {
	bool mounted;	 /* there is a mount on mnt/ID, in our namespace */
	bool ours;	 /* it is the layer's */
	bool writable;	 /* it has the layer on top, to be written to */
	pid_t elsewhere; /* this process has it mounted, or written to, in another place or namespace; 0: none */
	pid_t shown;	 /* this one has an overlay with it among the lowers */
};

/* Look in our own mount namespace only, or in all. 0, or -errno (logged): not all mounts could be read. */
int inuse_look(const struct store *store, const char *id, bool all, struct inuse *ret);

/* The kernel has the directory of a layer as what some union writes to, wherever that is mounted: a namespace may be
 * kept by a file, and have no process that tells of it. 1, 0 or -errno (not logged). */
int inuse_written(const struct store *store, int layer);

/* Who uses the layer (a holder, a mount, a running container), as text in *ret for the caller to free. 1; 0: nobody
 * does; or -errno (logged). With the lock. */
int inuse_by(const struct store *store, const char *id, char **ret);

/* The running container that has the layer below it, as text for the caller to free, or NULL. One whose journal cannot
 * be read counts. */
char *inuse_by_container(const struct store *store, const char *id);
