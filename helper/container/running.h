/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../config/config-file.h"
#include "../config/container.h"
#include "../record/journal.h"

/*
 * Has LXC a monitor for the container of this name, started with this lxcpath as text? 1, 0, or -errno when that could
 * not be asked (not logged). As a condition, unknown is true.
 */
int base_is_running(const char *lxcpath, const char *name);

/* The same for a container, with the lxcpath as LXC calls it. */
int base_container_runs(const struct container *container);
