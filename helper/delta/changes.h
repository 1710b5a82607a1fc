/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "delta.h"

/*
 * Find what a layer adds ('A'), changes ('C') and deletes ('D') in its lower layers (nearest first): said() gets each
 * path, which begins with '/', in the order of a walk through the merged tree. An opaque directory deletes what it
 * hides. Only the layer's own files are walked. Returns 0, or -errno: that of said(), or logged.
 */
int changes(const struct delta *delta, int layer, const int *lowers, size_t nlowers,
	    int (*said)(void *arg, char kind, const char *path), void *arg);
