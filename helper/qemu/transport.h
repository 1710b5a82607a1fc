/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../config/spec.h"

enum transport_kind {
	TRANSPORT_NETLINK, /* qemu-nbd, connected to an nbd device by netlink */
	TRANSPORT_IOCTL,   /* the same by ioctl, with a process beside the device */
	TRANSPORT_FUSE,	   /* the same through a FUSE file and a loop device */
};

struct transport {
	enum transport_kind kind;
	bool load;     /* load the nbd module first */
	char how[200]; /* for the plan: the way, and the reason */
};

/* Choose the spec's transport=, or the first that this host supports. Returns 0 or -errno (logged). */
int transport_choose(const struct spec *spec, struct transport *transport);

/* Load the nbd module if chosen, and choose again by its abilities. Returns 0 or -errno (logged). */
int transport_prepare(const struct spec *spec, struct transport *transport);
