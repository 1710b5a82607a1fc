/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../config/config-file.h"

/*
 * Add to *out what the stack of the container in that directory (absolute) shows, read-only, be it ours or a plain
 * rootfs of LXC's. spec: for whom. 0 or -errno (logged).
 */
int container_view(const struct spec *spec, const char *dir, struct stack *out);

/*
 * The type of what a clone writes to above the container in dir, "overlay" or "aufs", by the whiteouts of what that
 * shows; below: without what LXC's own overlay of it adds. A constant, or NULL after an error line.
 */
const char *container_union(const char *dir, bool below);

/*
 * Add to *out what lies below LXC's own overlay of a clone: the root of the container that it was cloned from, else its
 * own stack. depth: 0. 0 or -errno (logged).
 */
int container_view_below(const struct conf *conf, const char *dir, unsigned int depth, struct stack *out);
