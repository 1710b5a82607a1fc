/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * xattr - the extended attributes by which overlay marks a delta, and which of them the aufs format cannot represent.
 */
#include "xattr.h"
#include "../base/cleanup.h"

#include <limits.h>
#include <sys/xattr.h>

#define FILE_PATH (sizeof("/proc/self/fd/") + 11 + NAME_MAX + 1)

static bool begins(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

const char *xattr_prefix(const struct delta *delta)
{
	return delta->user ? "user.overlay." : "trusted.overlay.";
}

bool xattr_is_own(const struct delta *delta, const char *name)
{
	return delta->format == DELTA_OVERLAY && begins(name, xattr_prefix(delta));
}

bool xattr_is_escaped(const char *name)
{
	return begins(name, "overlay.");
}

const char *xattr_not_representable(const char *name)
{
	static const char *const own[] = { "opaque", "origin", "impure", "nlink", "uuid", "protattr", "upper" };

	for (size_t i = 0; i < ARRAY_SIZE(own); i++)
		if (strcmp(name, own[i]) == 0)
			return NULL;
	if (strcmp(name, "redirect") == 0)
		return "overlay renamed it (redirect): its contents are in a lower layer, under another name";
	if (strcmp(name, "metacopy") == 0)
		return "overlay copied its metadata only (metacopy): its data is in a lower layer";
	if (xattr_is_escaped(name))
		return "it has an attribute that overlay escaped";
	return strcmp(name, "whiteout") == 0 ? "it has overlay's attribute of a whiteout, and is none"
					     : "it has an unknown attribute of overlay's";
}

/* Return why an attribute of overlay's other kind is not representable, or NULL: it shows that the delta is meant to be
 * read with that kind. */
static const char *other_foreign(const struct delta *delta, const char *key)
{
	static const char *const says[] = { "opaque", "whiteout", "redirect", "metacopy" };
	const struct delta other = { .user = !delta->user };
	size_t n = strlen(xattr_prefix(&other));

	if (delta->format != DELTA_OVERLAY || !begins(key, xattr_prefix(&other)))
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(says); i++)
		if (strcmp(key + n, says[i]) == 0)
			return delta->user ? "it has a meaning without --userxattr only (trusted.overlay.*)"
					   : "it has a meaning with --userxattr only (user.overlay.*)";
	return NULL;
}

static void read_list(const struct delta *delta, const char *list, ssize_t n, struct xattrs *ret)
{
	const char *prefix = xattr_prefix(delta);

	for (const char *key = list; key < list + n; key += strlen(key) + 1) {
		if (!begins(key, prefix)) {
			ret->foreign = ret->foreign ?: other_foreign(delta, key);
			continue;
		}
		ret->own = delta->format == DELTA_OVERLAY;
		if (!ret->own)
			ret->foreign = "it has an attribute that means something to overlay";
		else if (strcmp(key + strlen(prefix), "whiteout") == 0)
			ret->whiteout = true;
		else if (!ret->foreign)
			ret->foreign = xattr_not_representable(key + strlen(prefix));
	}
}

int xattr_read(const struct delta *delta, int fd, const char *name, struct xattrs *ret)
{
	_cleanup_free_ char *list = NULL;
	char path[FILE_PATH];
	ssize_t size, n;

	*ret = (struct xattrs){ 0 };
	if (name)
		(void)snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", fd, name);
	/* Most files have none, and asking for the length costs the kernel no memory. */
	while ((size = name ? llistxattr(path, NULL, 0) : flistxattr(fd, NULL, 0)) > 0) {
		free(list);
		list = xcalloc(1, (size_t)size + 1);
		n = name ? llistxattr(path, list, (size_t)size) : flistxattr(fd, list, (size_t)size);
		if (n < 0 && errno == ERANGE)
			continue; /* attributes were added meanwhile */
		read_list(delta, list, n, ret);
		size = n;
		break;
	}
	return size >= 0 || errno == EOPNOTSUPP ? 0 : -errno;
}

int xattr_opaque_mark(const struct delta *delta, int fd)
{
	char key[64], value = 0;
	ssize_t n;

	(void)snprintf(key, sizeof(key), "%sopaque", xattr_prefix(delta));
	n = fgetxattr(fd, key, &value, 1);
	if (n >= 0)
		return n == 1 ? value : 0;
	/* Overlay takes no longer value for a mark. */
	return errno == ENODATA || errno == EOPNOTSUPP || errno == ERANGE ? 0 : -errno;
}

int xattr_is_merged(const struct delta *delta, int fd)
{
	char key[64];

	(void)snprintf(key, sizeof(key), "%sorigin", xattr_prefix(delta));
	if (fgetxattr(fd, key, NULL, 0) >= 0)
		return 1;
	return errno == ENODATA || errno == EOPNOTSUPP ? 0 : -errno;
}
