/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../kernel/nbd.h"
#include "attach.h"

/* Record an nbd device and connect it by netlink. Returns 0 or -errno (logged). */
int connect_netlink(struct attachment *attachment, int client, const struct nbd_export *export);
/* Connect one by ioctl, in a process that stays in the kernel while it is connected. Returns 0 or -errno (logged). */
int connect_ioctl(struct attachment *attachment, int client, const struct nbd_export *export);
/* Serve the connection as a FUSE file, which becomes attachment->device. Returns 0 or -errno (logged). */
int connect_fuse(struct attachment *attachment, int client, struct nbd_export *export);

/* Open the connected nbd device and check its size. Returns the fd or -errno (logged). */
int connect_open_device(const struct attachment *attachment, const struct nbd_export *export);
