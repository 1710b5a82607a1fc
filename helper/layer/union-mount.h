/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "metadata.h"

#define UNION_MOUNT_MANY 64 /* more layers are slow, which is warned of */

/* Mount the layer over its lower layers, writable or not, attached nowhere. Returns a mount's descriptor; -EOPNOTSUPP
 * (logged): the kernel has no aufs; or another -errno (logged). */
int union_mount(const struct store *store, const struct layer *layer, bool writable);
