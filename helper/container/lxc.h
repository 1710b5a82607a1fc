/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../config/container.h"

#include <stdbool.h>

/*
 * What liblxc is asked, by the administrator's command alone: a hook that asks LXC about its own container waits for a
 * monitor that waits for the hook.
 */

/*
 * Ask LXC whether a container runs that was started with this lxcpath as text. Returns 1, also while it starts, 0 or
 * -errno (logged): LXC could not be asked, or did not answer in time. No lock may be held that the container's hooks
 * wait for.
 */
int lxc_is_running(const char *lxcpath, const char *name);

/* Ask the same for a container, with the lxcpath as LXC calls it. Returns 1, 0 or -errno (logged). */
int lxc_container_is_running(const struct container *container);

/*
 * Stop a container: let its init shut down, and kill it if that takes a minute; or kill it at once. Returns 0, -EINTR
 * (a signal came that the caller has blocked; it may be stopping) or -errno (not logged): LXC could not stop it, as
 * when it has stopped by itself.
 */
int lxc_stop(const char *lxcpath, const char *name, bool kill);
