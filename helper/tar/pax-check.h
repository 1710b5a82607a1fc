/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAX_BLOCK 512

/* A check of the extended headers of a tar, which sees its bytes on their way to the parser. */
struct paxcheck {
	unsigned char block[PAX_BLOCK]; /* a header, as far as it was seen */
	size_t have;
	uint64_t skip; /* bytes that are no header */
	char *records; /* of a pax header, as far as they were seen; NULL: none is on its way */
	size_t size, seen;
	uint64_t data; /* what they say of the size of the next entry's data */
	bool has_data, extended;
	bool lost;     /* it is not known any more where headers are */
	char why[160]; /* after a failure: which record, and what is wrong with it */
};

/* Check the next bytes of the tar; the state begins as zeros. Returns 0, or -EINVAL with `why`. */
int paxcheck_feed(struct paxcheck *pax, const void *data, size_t n);
/* Free its memory. */
void paxcheck_free(struct paxcheck *pax);
