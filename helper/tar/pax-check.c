/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * pax-check - refuse records of pax headers that libarchive would misread.
 *
 * libarchive cuts a name at a zero byte, takes an id or a time that is no number
 * for 0, forgets the sign of a fraction, and drops attributes that it cannot
 * decode, all without a word. So this file looks at the tar before libarchive
 * does: from one header to the next, as POSIX's pax interchange format and GNU's
 * tar place them. Where it cannot tell where the next header is, it accepts the
 * rest, and libarchive has the last word.
 */
#include "pax-check.h"
#include "../base/cleanup.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RECORDS_MAX (1 << 20)

/* The fields of a header: offset and length. */
enum {
	SIZE_AT = 124,
	SIZE_LENGTH = 12,
	SUM_AT = 148,
	SUM_LENGTH = 8,
	TYPE_AT = 156,
	MAGIC_AT = 257,
	PREFIX_AT = 345,
	TIME_LENGTH = 12,
	IS_EXTENDED_AT = 482, /* GNU's old sparse files: a map that goes on in the next block, */
	MAP_EXTENDED_AT = 504 /* and the same in that */
};

/* Octal, or GNU's base 256. */
static uint64_t number(const unsigned char *field, size_t n)
{
	uint64_t value = 0;
	size_t i = 0;

	if (field[0] & 0x80) {
		value = field[0] & 0x3f;
		for (i = 1; i < n; i++)
			value = value << 8 | field[i];
		return value;
	}
	while (i < n && field[i] == ' ')
		i++;
	for (; i < n && field[i] >= '0' && field[i] <= '7'; i++)
		value = value << 3 | (uint64_t)(field[i] - '0');
	return value;
}

static bool is_header(const unsigned char *block)
{
	long sum = 0, with_sign = 0;
	uint64_t said = number(block + SUM_AT, SUM_LENGTH);

	for (size_t i = 0; i < PAX_BLOCK; i++) {
		bool own = i >= SUM_AT && i < SUM_AT + SUM_LENGTH;

		sum += own ? ' ' : block[i];
		with_sign += own ? ' ' : (signed char)block[i];
	}
	return (uint64_t)sum == said || (uint64_t)with_sign == said;
}

/* --- records --- */

static bool is_number(const char *value, size_t n, bool fraction)
{
	size_t i = n && *value == '-';
	bool point = false, digit = false;

	for (; i < n; i++) {
		if (isdigit((unsigned char)value[i]))
			digit = true;
		else if (fraction && !point && value[i] == '.')
			point = true;
		else
			return false;
	}
	return digit;
}

static bool has_fraction(const char *value, size_t n)
{
	const char *point = memchr(value, '.', n);

	for (const char *c = point; c && c < value + n; c++)
		if (*c != '.' && *c != '0')
			return true;
	return false;
}

static bool is_base64(const char *value, size_t n)
{
	while (n && value[n - 1] == '=')
		n--;
	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)value[i]) && value[i] != '+' && value[i] != '/')
			return false;
	return true;
}

enum form { NAME, WHOLE, FRACTION, BASE64 };

/* Return what is wrong with the value, or NULL. An empty value deletes the record. */
static const char *wrong(enum form form, const char *value, size_t n)
{
	if (n == 0)
		return NULL;
	if (form == NAME)
		return memchr(value, '\0', n) ? "a zero byte is in it" : NULL;
	if (form == BASE64)
		return is_base64(value, n) ? NULL : "it is not base64";
	if (!is_number(value, n, form == FRACTION))
		return "it is no number";
	return *value == '-' && has_fraction(value, n) ? "a time before 1970 with a fraction, which is read in two ways"
						       : NULL;
}

/* Check one record. Returns 0 or -EINVAL. */
static int check_record(struct paxcheck *pax, const char *key, size_t length, const char *value, size_t n)
{
	static const struct {
		const char *key;
		enum form form;
	} known[] = {
		{ "path", NAME },
		{ "linkpath", NAME },
		{ "GNU.sparse.name", NAME },
		{ "uname", NAME },
		{ "gname", NAME },
		{ "uid", WHOLE },
		{ "gid", WHOLE },
		{ "size", WHOLE },
		{ "SCHILY.devmajor", WHOLE },
		{ "SCHILY.devminor", WHOLE },
		{ "mtime", FRACTION },
		{ "atime", FRACTION },
		{ "ctime", FRACTION },
		{ "LIBARCHIVE.xattr.", BASE64 },
	};
	const char *why = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(known) && !why; i++) {
		size_t all = strlen(known[i].key);
		bool prefix = known[i].form == BASE64;

		if ((prefix ? length > all : length == all) && memcmp(key, known[i].key, all) == 0)
			why = wrong(known[i].form, value, n);
	}
	if (!why)
		return 0;
	/* It is not trusted: no control characters. */
	(void)snprintf(pax->why, sizeof(pax->why), "a pax record '%.*s=%.*s': %s", (int)(length < 60 ? length : 60),
		       key, (int)(n < 40 ? n : 40), value, why);
	for (char *c = pax->why; *c; c++)
		if (!isprint((unsigned char)*c))
			*c = '?';
	return -EINVAL;
}

/* Check the records, "LENGTH KEY=VALUE\n" each. libarchive refuses anything else. Returns 0 or -EINVAL. */
static int check_records(struct paxcheck *pax)
{
	char *at = pax->records, *end = at + pax->size;
	int r = 0;

	while (r == 0 && at < end) {
		char *rest, *equal;
		unsigned long length = strtoul(at, &rest, 10);
		size_t n;

		if (rest == at || *rest != ' ' || length > (size_t)(end - at) || length < (size_t)(rest - at) + 3)
			return 0;
		rest++;
		equal = memchr(rest, '=', length - (size_t)(rest - at));
		if (!equal)
			return 0;
		n = length - (size_t)(equal - at) - 2;
		r = check_record(pax, rest, (size_t)(equal - rest), equal + 1, n);
		if (equal - rest == 4 && memcmp(rest, "size", 4) == 0 && n) {
			pax->data = strtoull(equal + 1, NULL, 10);
			pax->has_data = true;
		}
		at += length;
	}
	return r;
}

/* --- blocks --- */

/* Of an entry's data: whole blocks. */
static uint64_t padded(uint64_t size)
{
	return (size + PAX_BLOCK - 1) / PAX_BLOCK * PAX_BLOCK;
}

static void see_entry(struct paxcheck *pax, char type, uint64_t size)
{
	if (pax->has_data)
		size = pax->data;
	pax->has_data = false;
	/* Whether a link has data is told by who wrote the tar, and not by the format. */
	if (type == '1' && size)
		pax->lost = true;
	pax->skip = type >= '1' && type <= '6' ? 0 : padded(size);
	pax->extended = type == 'S' && pax->block[IS_EXTENDED_AT];
}

/* A time of GNU's header: none, base 256, or eleven octal digits, as GNU tar writes it. */
static bool is_gnu_time(const unsigned char *field)
{
	if (field[0] & 0x80)
		return true;
	for (size_t i = 0; i < TIME_LENGTH - 1; i++)
		if (field[0] ? field[i] < '0' || field[i] > '7' : field[i])
			return false;
	return !field[TIME_LENGTH - 1] || (field[0] && field[TIME_LENGTH - 1] == ' ');
}

/*
 * GNU's header has times in the place where POSIX's has the beginning of a long name. Go before 1.8, and so old Docker,
 * mixed both; libarchive takes the name without its beginning then. 0 or -EINVAL.
 */
static int check_prefix(struct paxcheck *pax)
{
	if (memcmp(pax->block + MAGIC_AT, "ustar  ", 8) != 0 || !is_header(pax->block) ||
	    (is_gnu_time(pax->block + PREFIX_AT) && is_gnu_time(pax->block + PREFIX_AT + TIME_LENGTH)))
		return 0;
	(void)snprintf(pax->why, sizeof(pax->why),
		       "a header of GNU's form has a prefix of a name, which is of POSIX's form only");
	return -EINVAL;
}

static void see_header(struct paxcheck *pax)
{
	char type = (char)pax->block[TYPE_AT];
	uint64_t size = number(pax->block + SIZE_AT, SIZE_LENGTH);
	bool zeros = true;

	for (size_t i = 0; i < PAX_BLOCK && zeros; i++)
		zeros = !pax->block[i];
	if (zeros)
		return;
	if (!is_header(pax->block) || size > INT64_MAX) {
		pax->lost = true;
	} else if (type == 'x' || type == 'g' || type == 'X') {
		pax->lost = size > RECORDS_MAX;
		pax->size = size > RECORDS_MAX ? 0 : (size_t)size;
		pax->seen = 0;
		pax->records = xcalloc(1, pax->size + 1);
	} else if (type == 'L' || type == 'K') {
		pax->skip = padded(size);
	} else {
		see_entry(pax, type, size);
	}
}

/* A block that goes on with the map of a sparse file, before its data. */
static void see_map(struct paxcheck *pax)
{
	pax->extended = pax->block[MAP_EXTENDED_AT];
}

static int end_records(struct paxcheck *pax)
{
	int r = check_records(pax);

	free(pax->records);
	pax->records = NULL;
	pax->skip = padded(pax->size) - pax->size;
	return r;
}

int paxcheck_feed(struct paxcheck *pax, const void *data, size_t n)
{
	const char *at = data, *end = at + n;
	int r = 0;

	while (r == 0 && !pax->lost && (at < end || (pax->records && pax->seen == pax->size))) {
		size_t left = (size_t)(end - at), take;

		if (pax->records) {
			take = left < pax->size - pax->seen ? left : pax->size - pax->seen;
			(void)memcpy(pax->records + pax->seen, at, take);
			pax->seen += take;
			if (pax->seen == pax->size)
				r = end_records(pax);
		} else if (pax->skip && !pax->extended) {
			take = left < pax->skip ? left : (size_t)pax->skip;
			pax->skip -= take;
		} else {
			take = left < PAX_BLOCK - pax->have ? left : PAX_BLOCK - pax->have;
			(void)memcpy(pax->block + pax->have, at, take);
			pax->have += take;
			if (pax->have == PAX_BLOCK) {
				pax->have = 0;
				if (pax->extended)
					see_map(pax);
				else if ((r = check_prefix(pax)) == 0)
					see_header(pax);
			}
		}
		at += take;
	}
	return r;
}

void paxcheck_free(struct paxcheck *pax)
{
	free(pax->records);
	pax->records = NULL;
}
