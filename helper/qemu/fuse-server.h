/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../kernel/nbd-handshake.h"

#include <stdbool.h>

/*
 * Serve the file from the negotiated connection. Returns 0 when the file has no user left, or -errno when the server
 * has ended: then users of the file get errors. Closes neither descriptor.
 */
int fuse_serve(int fuse, int nbd, const struct nbd_export *export);
