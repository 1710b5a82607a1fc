/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../qemu/graph.h"
#include "../qemu/transport.h"
#include "../stack/type.h"

/* What an nbd spec asks for. */
struct nbd_data {
	struct qemu_options qemu;
	struct transport transport;
	unsigned int partition;
	unsigned int reconnect;
};

/* Read and check the options of a spec; plan: where its relative paths lead. 0 or -errno (logged). */
int nbd_options_parse(const struct spec *spec, const struct plan *plan, struct nbd_data *data);

/* Refuse reconnect= with a transport that cannot do it. 0 or -errno (logged). */
int nbd_options_check_reconnect(const struct spec *spec, const struct nbd_data *data);
