/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "delta.h"

#include <stdint.h>

/*
 * What a layer changes in those below (nearest first), looking at the layer's own files and at nothing else's
 * contents. said: 'A', 'C' or 'D', and the path, beginning with '/', sorted as a walk of the merged tree. Also what an
 * opaque directory takes away is said. 0, or -errno: that of said(), or logged.
 */
int changes(const struct delta *delta, int layer, const int *lowers, size_t nlowers,
	    int (*said)(void *arg, char kind, const char *path), void *arg);

/* The bytes that the layer's files hold on disk, holes not counted, a file of several names once. 0 or -errno. */
int diffsize(const struct delta *delta, int layer, uint64_t *ret);
