/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "delta.h"

/*
 * Write a whiteout of `name` in the directory `fd` of the delta whose top is at `top`. The directory does not have the
 * name. Where no lower layer has the directory, overlay would show the whiteout, so the directory is marked as merged,
 * too. The directory's times change. Returns 0 or -errno.
 */
int write_whiteout(const struct delta *delta, int top, int fd, const char *name);
/* Make the directory opaque: it hides the lower ones. Not for a delta's top, where overlay ignores it. Returns 0 or
 * -errno. */
int write_opaque(const struct delta *delta, int fd);
/* Mark the directory as merged, so that overlay shows no whiteouts in it even where no lower layer has it. aufs: does
 * nothing. Returns 0 or -errno. */
int write_merged(const struct delta *delta, int fd);
/* Mark a delta's top with its whiteout format, as aufs and overlay do themselves when they mount it. Returns 0 or
 * -errno. */
int write_top(const struct delta *delta, int top);
