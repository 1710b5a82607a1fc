/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "store.h"

/* Forget dead holders, unmount what no living one has, move away what has no record. 0 or -errno (logged). */
int tidy(struct store *store);

/* The single acts, with the lock. DIR/NAME of what has no record is rubbish. 1, 0 or -errno (logged). */
int tidy_is_stray(const struct store *store, const char *dir, const char *name);
/* It has its directory, and its record is lost: others lie on it, or what else is known of it is there. Nothing of it
 * is rubbish. 1, 0 or -errno (logged). */
int tidy_is_lost(const struct store *store, const char *id);
int tidy_stray(const struct store *store, const char *dir, const char *name);
/* The directories where a layer without record may have left something, up to a NULL. */
extern const char *const tidy_dirs[];
