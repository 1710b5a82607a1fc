/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../config/config-file.h"

/*
 * Add to *out what the stack of the container in that directory (absolute) shows, read-only, be it ours or a plain
 * rootfs of LXC's. spec: for whom. 0 or -errno (logged).
 */
int container_view(const struct spec *spec, const char *dir, struct stack *out);

/*
 * Find the type of what a clone writes to above the container in dir: *ret is "overlay" or "aufs", a constant, by the
 * whiteout format of that container's view. below: without what LXC's own overlay of it adds. Returns 0 or -errno
 * (logged).
 */
int container_union(const char *dir, bool below, const char **ret);

/*
 * Add to *out what lies below LXC's own overlay of a clone: the root of the container that it was cloned from, else its
 * own stack. depth: 0. 0 or -errno (logged).
 */
int container_view_below(const struct conf *conf, const char *dir, unsigned int depth, struct stack *out);
