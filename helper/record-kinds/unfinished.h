/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../record/journal.h"

/* Record a container's directory that is about to be made. 0 or -errno (logged). */
int unfinished_record(struct journal *journal, const char *dir);

/* Whether the journal is of a container that was not finished. */
bool unfinished_is_recorded(const struct journal *journal);

/*
 * Remove the container's directory and the empty rootfs in it, unless it has a config, which makes it a container.
 * Whatever else is in them stays. 0 or -errno (logged).
 */
int unfinished_remove(const char *dir);
