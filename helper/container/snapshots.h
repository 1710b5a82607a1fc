/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../config/config-file.h"
#include "../config/container.h"
#include "../record/journal.h"

/*
 * Refuse to let LXC destroy a container whose snapshots could not be restored afterwards. LXC destroys a container with
 * snapshots only to restore one of them, and does that before the copy: whatever would stop the copy must stop the
 * destruction. only: the name of the snapshot to restore; or NULL: any of them. An unfinished snapshot always refuses,
 * as it may be being made concurrently. Returns 0 or -errno (logged).
 */
int snapshots_check(const struct container *container, const char *only);

/* Test by its path alone whether the directory is one where LXC keeps a snapshot. */
bool snapshots_is_one(const char *dir);
/*
 * Return LXC's directory for the snapshots of the container in dir, for the caller to free: the usual one, or (`old`)
 * the one of LXC before 1.0, which is used where it exists.
 */
char *snapshots_dir(const char *dir, bool old);
