/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../config/config-file.h"
#include "../config/container.h"
#include "../record/journal.h"

/*
 * Which container LXC is cloning when it runs a clone hook: its directory, for the caller to free, or NULL after an
 * error line. name is what LXC calls it; conf is the new container's, a copy of its.
 * *ret_rename: the source will be destroyed.
 */
char *origin_find(const struct container *container, const char *name, const struct conf *conf, bool *ret_rename);

/* The name of the snapshot that the program of LXC which runs this hook was told to restore: *ret, for the caller to
 * free; NULL: none, or it is not lxc-snapshot. 0 or -errno (logged). */
int origin_restored(char **ret);

/* Both say the same, in the same order. */
bool origin_same_stack(const struct stack *a, const struct stack *b);
