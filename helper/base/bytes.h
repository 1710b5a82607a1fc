/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * bytes - numbers in what lies on disk, which may be aligned to nothing.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* The number in so many bytes, the highest first. */
static inline uint64_t be(const uint8_t *p, size_t bytes)
{
	uint64_t n = 0;

	for (size_t i = 0; i < bytes; i++)
		n = n << 8 | p[i];
	return n;
}

/* The same, the lowest first. */
static inline uint64_t le(const uint8_t *p, size_t bytes)
{
	uint64_t n = 0;

	while (bytes--)
		n = n << 8 | p[bytes];
	return n;
}
