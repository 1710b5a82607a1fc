/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "nbd-handshake.h"

#include <stdbool.h>

/*
 * The kernel's netlink family for nbd is there, in the host's network namespace, with the module loaded; and it knows
 * backend identifiers (Linux 5.14), without which a device cannot be found again.
 */
bool nbd_has_netlink(void);

/*
 * Give the negotiated connection to an unused device of the kernel's choice (or a new one), in one step. `backend` is
 * what the device is known by; reconnect > 0: I/O waits that many seconds for nbd_reconnect() when the server dies,
 * else it fails at once. The device's number, or -errno.
 */
int nbd_connect(int fd, const struct nbd_export *export, const char *backend, unsigned int reconnect);

/* From now on the kernel disconnects on the last close. Only for a device that is held open. 0 or -errno. */
int nbd_arm(int nr, const char *backend);

/* Give the device a new connection in place of a dead one. 0 or -errno. */
int nbd_reconnect(int nr, const char *backend, int fd);

/*
 * Disconnect the device, used or not: its server has died, and what was asked of it would wait for ever. 0 or -errno.
 */
int nbd_cut(int nr, const char *backend);

/*
 * The old way, for network namespaces that do not have the netlink family: give the connection to an unused device and
 * serve it, in this process, until it is disconnected. Writes the device's number as an int to `tell` before that.
 * Returns 0 after an orderly end, or -errno.
 */
int nbd_serve(int fd, const struct nbd_export *export, int tell);

/* Is the device connected, by whatever way? 1, 0 or -errno. */
int nbd_is_connected(int nr);

/*
 * Is it connected, and has the size (bytes) of what it was connected to? 1, 0 or -errno. By ioctl the kernel shows the
 * connection (`pid`) before it sets the size (drivers/block/nbd.c, nbd_start_device): a device opened between the two
 * is empty.
 */
int nbd_is_ready(int nr, unsigned long long size);

/*
 * Find the connected device with this backend (Linux 5.14), or that the process in NBD_BY_PID "PID" serves. Its number;
 * -ENOENT: there is none; or -errno: not all devices could be looked at.
 */
#define NBD_BY_PID "pid:"
int nbd_find(const char *backend);

/*
 * Disconnect the device if nobody uses it, and it still has this backend. 0: it is disconnected, or another's by now;
 * -EBUSY: it is mounted, or open exclusively; -errno. Never cuts: NBD_DISCONNECT itself does not ask.
 */
int nbd_disconnect_idle(int nr, const char *backend);

/* "/dev/nbdN", for the caller to free. */
char *nbd_node(int nr);
