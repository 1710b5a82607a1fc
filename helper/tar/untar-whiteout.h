/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "untar-job.h"

/* Keep the whiteout that was just read for the end, when all of the layer is there. Returns 0 or -errno. */
int whiteout_defer(struct job *job);
/* Write all whiteouts and opaque directories. Returns 0 or -errno. */
int whiteout_write_all(struct job *job);
