/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../config/config-file.h"
#include "../config/container.h"
#include "../record/journal.h"

/*
 * Refuse to let LXC destroy a container that a snapshot could not be restored over. LXC destroys a container with
 * snapshots only to restore one of them, and does that before it copies it: whatever would stop the copy must stop the
 * destruction. only: the name of the snapshot that is restored, or NULL, and then it may be any of them. An unfinished
 * snapshot refuses in any case: it may be being made from the container just now. 0 or -errno (logged).
 */
int snapshots_check(const struct container *container, const char *only);

/* Whether the directory is where LXC keeps a snapshot, by its path alone. */
bool snapshots_is_one(const char *dir);
/* The directory of LXC's for the snapshots of the container in dir: the usual one, or the one of LXC before 1.0, which
 * is used where it exists. For the caller to free. */
char *snapshots_dir(const char *dir, bool old);
