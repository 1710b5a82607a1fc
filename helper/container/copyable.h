/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../config/config-file.h"
#include "../config/container.h"
#include "../record/journal.h"

/* Refuse a source that is unfinished, or that a running container writes to. Returns 0 or -errno (logged). */
int copyable_now(const struct container *source);

/*
 * Refuse a stack that writes to an absolute path: that is shared and not copied, so the source and its copy `name`
 * would both write to it. Returns 0 or -errno (logged).
 */
int copyable_apart(const struct container *source, const struct stack *stack, const char *name);
