/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../config/config-file.h"
#include "../config/container.h"
#include "../record/journal.h"
#include "../stack/plan.h"

/* The plan of this container's start; plan_clear() and container_plan_close() end it. 0 or -errno (logged). */
int container_plan(const struct container *container, const struct conf *conf, const char *rootfs_path,
		   struct plan *ret);
void container_plan_close(struct plan *plan);

/* Warn if the directory on which the planned stack will be attached has files in it, which the stack will hide. */
void container_warn_of_hidden(const struct container *container, const struct plan *plan);
