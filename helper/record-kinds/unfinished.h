/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../record/journal.h"

/* Record the directory of a container that is about to be created. Returns 0 or -errno (logged). */
int unfinished_record(struct journal *journal, const char *dir);

/* Test whether the journal records an unfinished container. */
bool unfinished_is_recorded(const struct journal *journal);

/*
 * Remove the container's directory and its empty rootfs, unless it has a config, which makes it a container. Other
 * content stays. Returns 0 or -errno (logged).
 */
int unfinished_remove(const char *dir);
