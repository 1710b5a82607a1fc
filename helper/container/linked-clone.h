/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../stack/plan.h"
#include "../config/config-file.h"
#include "../config/container.h"
#include "../record/journal.h"

/*
 * Make a new container a linked clone of its source (`bdev.clone = link`): its config gets an overlay above the
 * source's stack. LXC's records get the dependency, so that LXC does not destroy the source. Returns 0 or -errno
 * (logged).
 */
int linked_clone_make(const struct container *container, const struct container *source);

/*
 * Refuse to start a container that would write to storage on which linked clones depend; the message names them.
 * Returns 0, -EBUSY (logged), or -errno (logged): the clones are unknown.
 */
int linked_clone_check_start(const struct container *container, const struct plan *plan);
