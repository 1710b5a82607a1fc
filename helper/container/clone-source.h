/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../config/config-file.h"
#include "../config/container.h"
#include "../record/journal.h"

/*
 * Find the container that LXC is cloning, from a clone hook. name: LXC's name of the source; conf: the new container's
 * config, a copy of the source's; *ret_rename: the source will be destroyed. Returns its directory, for the caller to
 * free, or NULL after an error line.
 */
char *clone_source_find(const struct container *container, const char *name, const struct conf *conf, bool *ret_rename);

/*
 * Find the name of the snapshot that lxc-snapshot, if it runs this hook, restores: *ret, for the caller to free; or
 * NULL. Returns 0 or -errno (logged).
 */
int clone_source_restored(char **ret);

/* Test whether both stacks have the same specs in the same order. */
bool clone_source_same_stack(const struct stack *a, const struct stack *b);
