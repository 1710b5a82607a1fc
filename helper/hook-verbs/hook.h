/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../base/process.h"
#include "../base/cleanup.h"
#include "../config/config-file.h"
#include "../config/container.h"
#include "../record/journal.h"
#include "../base/log.h"
#include "../command/verb.h"

/*
 * Check how LXC called the hook: with version 0 it appends NAME, SECTION and TYPE, which must be this verb's; with
 * version 1 nothing. Then find the container. 0, -errno or an exit code, after an error line.
 */
int hook_container(const struct args *args, const char *type, struct container *ret);

/* Who the monitor is: given by the hook line, since our parent may be a wrapper. 0 or -errno (logged). */
int hook_monitor(const struct args *args, struct process *ret);
