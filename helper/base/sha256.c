/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sha256 - the hash of OCI digests, as FIPS 180-4 defines it.
 *
 * None of the libraries that are linked has it in its interface, and the kernel's (AF_ALG) is not in every kernel.
 */
#include "sha256.h"

#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static const uint32_t constants[64] = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
	0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
	0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
	0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
	0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
	0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
	0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t rotate(uint32_t x, unsigned int n)
{
	return x >> n | x << (32 - n);
}

static void add_block(uint32_t state[8], const unsigned char *block)
{
	uint32_t w[64], s[8];

	for (size_t i = 0; i < 16; i++) {
		(void)memcpy(&w[i], block + 4 * i, 4);
		w[i] = be32toh(w[i]);
	}
	for (size_t i = 16; i < 64; i++)
		w[i] = w[i - 16] + w[i - 7] + (rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ w[i - 15] >> 3) +
		       (rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ w[i - 2] >> 10);
	(void)memcpy(s, state, sizeof(s));
	for (size_t i = 0; i < 64; i++) {
		uint32_t a = s[7] + (rotate(s[4], 6) ^ rotate(s[4], 11) ^ rotate(s[4], 25)) +
			     ((s[4] & s[5]) ^ (~s[4] & s[6])) + constants[i] + w[i];
		uint32_t b = (rotate(s[0], 2) ^ rotate(s[0], 13) ^ rotate(s[0], 22)) +
			     ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]));

		(void)memmove(s + 1, s, 7 * sizeof(*s));
		s[4] += a;
		s[0] = a + b;
	}
	for (size_t i = 0; i < 8; i++)
		state[i] += s[i];
}

void sha256_start(struct sha256 *sum)
{
	*sum = (struct sha256){ .state = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c,
					   0x1f83d9ab, 0x5be0cd19 } };
}

void sha256_add(struct sha256 *sum, const void *data, size_t n)
{
	const unsigned char *next = data;
	size_t have = sum->bytes % sizeof(sum->block);

	sum->bytes += n;
	while (n) {
		size_t part = sizeof(sum->block) - have < n ? sizeof(sum->block) - have : n;

		(void)memcpy(sum->block + have, next, part);
		next += part;
		n -= part;
		have += part;
		if (have < sizeof(sum->block))
			return;
		add_block(sum->state, sum->block);
		have = 0;
	}
}

void sha256_end(struct sha256 *sum, unsigned char ret[SHA256_SIZE])
{
	static const unsigned char pad[64] = { 0x80 };
	uint64_t bits = htobe64(sum->bytes * 8);

	sha256_add(sum, pad, 1 + (119 - sum->bytes % 64) % 64);
	sha256_add(sum, &bits, sizeof(bits));
	for (size_t i = 0; i < 8; i++) {
		uint32_t word = htobe32(sum->state[i]);

		(void)memcpy(ret + 4 * i, &word, 4);
	}
}

int sha256_parse(const char *text, unsigned char ret[SHA256_SIZE])
{
	static const char prefix[] = "sha256:", digits[] = "0123456789abcdef";

	if (strncmp(text, prefix, strlen(prefix)) != 0 || strlen(text) != SHA256_TEXT - 1)
		return -EINVAL;
	text += strlen(prefix);
	for (size_t i = 0; i < SHA256_SIZE; i++) {
		const char *high = strchr(digits, text[2 * i]), *low = strchr(digits, text[2 * i + 1]);

		if (!high || !low)
			return -EINVAL;
		ret[i] = (unsigned char)((high - digits) << 4 | (low - digits));
	}
	return 0;
}

void sha256_print(const unsigned char sum[SHA256_SIZE], char ret[SHA256_TEXT])
{
	char *end = stpcpy(ret, "sha256:");

	for (size_t i = 0; i < SHA256_SIZE; i++)
		end += snprintf(end, 3, "%02x", sum[i]);
}
