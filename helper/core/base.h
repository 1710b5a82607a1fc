/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

/* LXC has a monitor for the container of this name, started with this lxcpath as text. */
bool base_is_running(const char *lxcpath, const char *name);
