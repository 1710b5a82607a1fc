/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../kernel/nbd.h"
#include "attach.h"

/* Record an nbd device and connect it by netlink. 0 or -errno (logged). */
int connect_netlink(struct attachment *attachment, int client, const struct nbd_export *export);
/* The same by ioctl, with a process that stays in the kernel as long as the device is connected. */
int connect_ioctl(struct attachment *attachment, int client, const struct nbd_export *export);
/* Serve the connection as a FUSE file, which becomes attachment->device. 0 or -errno (logged). */
int connect_fuse(struct attachment *attachment, int client, struct nbd_export *export);

/* Open the connected nbd device and check that it is the one. fd or -errno (logged). */
int connect_open_device(const struct attachment *attachment, const struct nbd_export *export);
