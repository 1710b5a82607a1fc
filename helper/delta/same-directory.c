/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * same-directory - whether a directory of a layer has the same owner, mode, time and attributes as a lower one.
 */
#include "same-directory.h"
#include "../base/cleanup.h"
#include "xattr.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/xattr.h>

/* Compare times as containers/storage does: some tars have no fractions. */
static bool same_time(const struct statx_timestamp *a, const struct statx_timestamp *b)
{
	return a->tv_sec == b->tv_sec && (a->tv_nsec == b->tv_nsec || !a->tv_nsec || !b->tv_nsec);
}

/* Return 1 if b has all attributes of a but the format's own, whose number is *ret_n; 0; or -errno. */
static int has_attributes(const struct delta *delta, int a, int b, size_t *ret_n)
{
	_cleanup_free_ char *list = must(malloc(XATTR_LIST_MAX)), *x = must(malloc(XATTR_SIZE_MAX)),
			    *y = must(malloc(XATTR_SIZE_MAX));
	ssize_t n = flistxattr(a, list, XATTR_LIST_MAX), size, other;

	*ret_n = 0;
	if (n < 0)
		return errno == EOPNOTSUPP ? 1 : -errno;
	for (const char *key = list; key < list + n; key += strlen(key) + 1) {
		if (xattr_is_own(delta, key))
			continue;
		++*ret_n;
		size = fgetxattr(a, key, x, XATTR_SIZE_MAX);
		if (size < 0)
			return -errno;
		other = fgetxattr(b, key, y, XATTR_SIZE_MAX);
		if (other < 0 && errno != ENODATA && errno != EOPNOTSUPP)
			return -errno;
		if (other != size || memcmp(x, y, (size_t)size) != 0)
			return 0;
	}
	return 1;
}

int same_directory(const struct delta *delta, int fd, const struct statx *a, int other)
{
	size_t na, nb;
	struct statx b;
	int r;

	if (statx(other, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &b) < 0)
		return -errno;
	if (a->stx_mode != b.stx_mode || a->stx_uid != b.stx_uid || a->stx_gid != b.stx_gid ||
	    !same_time(&a->stx_mtime, &b.stx_mtime))
		return 0;
	r = has_attributes(delta, fd, other, &na);
	if (r == 1)
		r = has_attributes(delta, other, fd, &nb);
	return r;
}
