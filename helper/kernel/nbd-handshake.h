/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* A server's export, as described when a client enters the transmission phase. */
struct nbd_export {
	uint64_t size;	     /* bytes */
	uint32_t block_size; /* the unit of requests, at least 512 */
	uint16_t flags;	     /* NBD_FLAG_ of linux/nbd.h */
};

/*
 * Negotiate the default export over the connected socket (the NBD protocol's fixed newstyle, NBD_OPT_GO). Returns 0, or
 * -errno with a text without newline in `error`; -ECONNRESET: the server closed the connection.
 */
int nbd_negotiate(int fd, struct nbd_export *ret, char *error, size_t size);
