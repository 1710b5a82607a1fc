/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* What a server says of its export when a client enters the transmission phase. */
struct nbd_export {
	uint64_t size;	     /* bytes */
	uint32_t block_size; /* what requests must be multiples of, at least 512 */
	uint16_t flags;	     /* NBD_FLAG_ of linux/nbd.h */
};

/*
 * Negotiate the default export over the connected socket (the NBD protocol's fixed newstyle, NBD_OPT_GO). 0, or -errno
 * with a text in `error`, which ends in no newline; -ECONNRESET: the server hung up.
 */
int nbd_negotiate(int fd, struct nbd_export *ret, char *error, size_t size);
