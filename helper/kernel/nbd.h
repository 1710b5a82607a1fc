/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "nbd-handshake.h"

#include <stdbool.h>

/*
 * Test whether the kernel's netlink family for nbd can be used: it exists in the host's network namespace while the
 * module is loaded, and must know backend identifiers (Linux 5.14), without which a device cannot be found again.
 * Returns whether it can.
 */
bool nbd_has_netlink(void);

/*
 * Connect an unused device of the kernel's choice (or a new one) to the negotiated connection, in one step. `backend`
 * identifies the device later; reconnect > 0: I/O waits that many seconds for nbd_reconnect() when the server dies,
 * else it fails at once. Returns the device's number or -errno.
 */
int nbd_connect(int fd, const struct nbd_export *export, const char *backend, unsigned int reconnect);

/* Have the kernel disconnect the device on its last close. The device must be open. Returns 0 or -errno. */
int nbd_arm(int nr, const char *backend);

/* Give the device a new connection in place of a dead one. Returns 0 or -errno. */
int nbd_reconnect(int nr, const char *backend, int fd);

/*
 * Disconnect the device even if it is in use: its server has died, and requests would wait for ever. Returns 0 or
 * -errno.
 */
int nbd_cut(int nr, const char *backend);

/*
 * Connect an unused device by ioctl, for network namespaces without the netlink family, and serve it in this process
 * until it is disconnected. The device's number is written to `tell` as an int before.
 * Returns 0 after an orderly end, or -errno.
 */
int nbd_serve(int fd, const struct nbd_export *export, int tell);

/* Test whether the device is connected, by netlink or ioctl. Returns 1, 0 or -errno. */
int nbd_is_connected(int nr);

/*
 * Test whether the device is connected and has its size in bytes. By ioctl the kernel shows the connection (`pid`)
 * before it sets the size (drivers/block/nbd.c, nbd_start_device): a device opened between the two is empty. Returns 1,
 * 0 or -errno.
 */
int nbd_is_ready(int nr, unsigned long long size);

/*
 * Find the connected device with this backend (Linux 5.14), or the one that the process in NBD_BY_PID "PID" serves.
 * Returns its number; -ENOENT: there is none; or -errno: not all devices could be examined.
 */
#define NBD_BY_PID "pid:"
int nbd_find(const char *backend);

/*
 * Disconnect the device if it is not in use and still has this backend; NBD_DISCONNECT itself does not check that.
 * Returns 0: it is disconnected, or has another backend by now; -EBUSY: it is mounted or open exclusively; or -errno.
 */
int nbd_disconnect_idle(int nr, const char *backend);

/* Make the device's name. Returns "/dev/nbdN", for the caller to free. */
char *nbd_node(int nr);
