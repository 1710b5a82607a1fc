/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../config/config-file.h"
#include "../config/container.h"
#include "../record/journal.h"
#include "../stack/plan.h"

/*
 * Make the plan of this container's start. rootfs_path: the one that LXC passes a hook, or NULL: that of the config.
 * container_plan_close() follows in both cases. Returns 0 or -errno (logged).
 */
int container_plan(const struct container *container, const struct conf *conf, const char *rootfs_path,
		   struct plan *ret);
/* Free a plan. */
void container_plan_close(struct plan *plan);

/* Warn if the directory on which the planned stack will be attached contains files, which the stack will hide. */
void container_warn_of_hidden(const struct container *container, const struct plan *plan);
