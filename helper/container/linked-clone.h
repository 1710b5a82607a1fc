/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../stack/plan.h"
#include "../config/config-file.h"
#include "../config/container.h"
#include "../record/journal.h"

/*
 * Let a new container stand on its source instead of having a copy (`bdev.clone = link`): its config gets an overlay
 * on the source's stack. LXC is told, so that it does not destroy the source. 0 or -errno (logged).
 */
int link_container(const struct container *container, const struct container *source);

/*
 * Refuse to start a container that would write to a store on which linked clones depend; the line names them. 0, -EBUSY
 * (logged), or -errno (logged): the clones could not be found out.
 */
int link_check_clones(const struct container *container, const struct plan *plan);
