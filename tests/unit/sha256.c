/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SHA-256 with the test vectors that NIST publishes for it (FIPS 180-4, CAVP). */
#include "unit.h"
#include "base/sha256.h"

#include <string.h>

/* The digest of `n` times this text, given in parts of `part` bytes. */
static const char *digest_of(const char *text, size_t n, size_t part)
{
	static char said[SHA256_TEXT];
	unsigned char sum[SHA256_SIZE];
	struct sha256 sha;

	sha256_start(&sha);
	for (size_t i = 0; i < n; i++)
		for (size_t at = 0, size = strlen(text); at < size; at += part)
			sha256_add(&sha, text + at, part < size - at ? part : size - at);
	sha256_end(&sha, sum);
	sha256_print(sum, said);
	return said;
}

static void published_vectors(void)
{
	static const struct {
		const char *text, *sum;
		size_t n;
	} vectors[] = {
		{ "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", 1 },
		{ "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", 1 },
		{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
		  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1", 1 },
		{ "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrs"
		  "mnopqrstnopqrstu",
		  "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1", 1 },
		{ "a", "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0", 1000000 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++)
		for (size_t part = 1; part < 130; part += 7)
			CHECK_STRING(vectors[i].sum,
				     digest_of(vectors[i].text, vectors[i].n, part) + strlen("sha256:"));
}

static void every_length_of_the_last_block(void)
{
	char text[200], whole[SHA256_TEXT];

	for (size_t n = 0; n < sizeof(text) - 1; n++) {
		memset(text, 'x', n);
		text[n] = '\0';
		(void)strcpy(whole, digest_of(text, 1, sizeof(text)));
		CHECK_STRING(whole, digest_of(text, 1, 1));
		CHECK_STRING(whole, digest_of("x", n, 1));
	}
}

static void digests_are_lower_case_digits(void)
{
	static const char *const wrong[] = {
		"",
		"sha256:",
		"sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015a",
		"sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad0",
		"sha256:BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD",
		"sha256:ga7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
		"sha512:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
		"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
	};
	unsigned char sum[SHA256_SIZE];
	char text[SHA256_TEXT];

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		CHECK(sha256_parse(wrong[i], sum) < 0);
	CHECK(sha256_parse(digest_of("abc", 1, 3), sum) == 0);
	sha256_print(sum, text);
	CHECK_STRING(digest_of("abc", 1, 3), text);
}

int main(void)
{
	static const struct unit_test tests[] = {
		TEST(published_vectors),
		TEST(every_length_of_the_last_block),
		TEST(digests_are_lower_case_digits),
	};

	return unit_run(tests, ARRAY_SIZE(tests));
}
