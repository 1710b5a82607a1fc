/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../kernel/nbd-handshake.h"

#include <stdbool.h>

/*
 * Serve the file from the negotiated connection, until nobody has it open or mounted any longer (0), or the server is
 * gone (-errno): then those who have it see errors. Closes nothing.
 */
int fuse_serve(int fuse, int nbd, const struct nbd_export *export);
