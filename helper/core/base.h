/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

/* LXC has a monitor for the container of this name, started with this lxcpath as text. */
bool base_is_running(const char *lxcpath, const char *name);

/*
 * Record for LXC that a container stands on its base, both named by their directories (absolute): it does not destroy
 * the base then, and takes the record back when it destroys the container. 0 or -errno.
 */
int base_record(const char *dir, const char *base);
/* Take the base's record back, if there is one. 0 or -errno. */
int base_forget(const char *dir, const char *base);
