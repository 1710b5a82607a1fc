/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "store.h"

#include <sys/types.h>

/* Mounts of a layer, in the mount namespaces of all processes. */
struct layer_use {
	bool mounted;	 /* there is a mount on mnt/ID, in our namespace */
	bool ours;	 /* it is the layer's */
	bool writable;	 /* the layer is its upper */
	pid_t elsewhere; /* a process with a mount of it, or a writer, in another place or namespace; 0: none */
	pid_t reader;	 /* a process with an overlay that has the layer among its lowers; 0: none */
};

/* Find the mounts of a layer, in our own mount namespace or in all. Returns 0, or -errno (logged): not all mounts could
 * be read. */
int users_look(const struct store *store, const char *id, bool all, struct layer_use *ret);

/* Return 1 if a mount has the layer's directory, open as `layer`, as its upper; 0; or -errno (not logged). The kernel
 * is asked, because a mount namespace may be kept by a file, without a process whose mounts could be read. */
int users_is_written(const struct store *store, int layer);

/* Find a user of the layer (a holder, a mount, a running container): text in *ret, for the caller to free. Needs the
 * lock. Returns 1; 0: nobody uses it; or -errno (logged). */
int users_find(const struct store *store, const char *id, char **ret);

/* Find a running container that has the layer as a lower. Returns text, for the caller to free, or NULL. A container
 * whose journal cannot be read counts. */
char *users_find_container(const struct store *store, const char *id);
