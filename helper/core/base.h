/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "container.h"

#include <stdbool.h>

/* LXC has a monitor for the container of this name, started with this lxcpath as text. */
bool base_is_running(const char *lxcpath, const char *name);

/* The same for a container, with the lxcpath as LXC calls it. */
bool base_container_runs(const struct container *container);
