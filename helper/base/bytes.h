/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * bytes - numbers in data from disk, at any alignment, and a hash of bytes.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Read the number in so many bytes, the highest first. Returns it. */
static inline uint64_t be(const uint8_t *p, size_t bytes)
{
	uint64_t n = 0;

	for (size_t i = 0; i < bytes; i++)
		n = n << 8 | p[i];
	return n;
}

/* Read the number in so many bytes, the lowest first. Returns it. */
static inline uint64_t le(const uint8_t *p, size_t bytes)
{
	uint64_t n = 0;

	while (bytes--)
		n = n << 8 | p[bytes];
	return n;
}

#define FNV1A_START UINT64_C(0xcbf29ce484222325)

/* Go on with the 64-bit FNV-1a hash of some bytes, which begins as FNV1A_START. Returns the hash with n bytes more. */
static inline uint64_t fnv1a(uint64_t hash, const void *data, size_t n)
{
	const uint8_t *p = data;

	for (size_t i = 0; i < n; i++)
		hash = (hash ^ p[i]) * UINT64_C(0x100000001b3);
	return hash;
}
