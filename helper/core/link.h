/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "container.h"

/*
 * Let a new container stand on its source instead of having a copy (`bdev.clone = link`): its config gets an overlay
 * on the source's stack. LXC is told, so that it does not destroy the source. 0 or -errno (logged).
 */
int link_container(const struct container *container, const struct container *source);
