/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../qemu/graph.h"
#include "../qemu/transport.h"
#include "../stack/type.h"

/* The options of an nbd spec. */
struct nbd_data {
	struct qemu_options qemu;
	struct transport transport;
	unsigned int partition;
	unsigned int reconnect; /* seconds; 0: no new server */
};

/* Parse and check the options of a spec; relative paths begin in plan->dir. Returns 0 or -errno (logged). */
int nbd_options_parse(const struct spec *spec, const struct plan *plan, struct nbd_data *data);

/* Refuse reconnect= with a transport that does not support it. Returns 0 or -errno (logged). */
int nbd_options_check_reconnect(const struct spec *spec, const struct nbd_data *data);
