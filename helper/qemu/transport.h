/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../config/spec.h"

enum transport_kind {
	TRANSPORT_NETLINK, /* qemu-nbd, connected to an nbd device by netlink */
	TRANSPORT_IOCTL,   /* the same by ioctl, with a process that stays */
	TRANSPORT_FUSE,	   /* the same through a FUSE file, with a loop device on it */
};

struct transport {
	enum transport_kind kind;
	bool load;     /* the nbd module, first */
	char how[200]; /* for people: what serves it, and why so */
};

/* The spec's transport=, or the first that this host has. Changes nothing. 0 or -errno (logged). */
int transport_choose(const struct spec *spec, struct transport *transport);

/* Load the module if that is to be, and choose again, knowing what it can do. 0 or -errno (logged). */
int transport_prepare(const struct spec *spec, struct transport *transport);
