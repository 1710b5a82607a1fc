/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define SHA256_SIZE 32
#define SHA256_TEXT (sizeof("sha256:") + 2 * (size_t)SHA256_SIZE)

/* A SHA-256 sum in progress (FIPS 180-4). */
struct sha256 {
	uint32_t state[8];
	uint64_t bytes;
	unsigned char block[64];
};

/* Begin a sum, add n bytes to it, and end it with its digest in ret. */
void sha256_start(struct sha256 *sum);
void sha256_add(struct sha256 *sum, const void *data, size_t n);
void sha256_end(struct sha256 *sum, unsigned char ret[SHA256_SIZE]);

/* Read a digest as OCI writes it, "sha256:" and 64 lower-case hexadecimal digits. Returns 0 or -EINVAL. */
int sha256_parse(const char *text, unsigned char ret[SHA256_SIZE]);
/* Write a digest as OCI does. */
void sha256_print(const unsigned char sum[SHA256_SIZE], char ret[SHA256_TEXT]);
