/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../config/config-file.h"

/*
 * Add the view of the container in dir (absolute) to *out: of its stack, or of LXC's own rootfs. spec is named in
 * messages. Returns 0 or -errno (logged).
 */
int container_view(const struct spec *spec, const char *dir, struct stack *out);

/*
 * Find the type of the union that a linked clone of the container in dir needs: *ret is "overlay" or "aufs", a
 * constant, by the whiteout format of that container's view. below: without the upper of LXC's own overlay. Returns 0
 * or -errno (logged).
 */
int container_union(const char *dir, bool below, const char **ret);

/*
 * Add the lower layers of LXC's own overlay of a linked clone to *out: the view of its base or, without a base, of its
 * own stack. depth is 0. Returns 0 or -errno (logged).
 */
int container_view_below(const struct conf *conf, const char *dir, unsigned int depth, struct stack *out);
