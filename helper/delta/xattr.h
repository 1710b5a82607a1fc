/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "delta.h"

/* Return the prefix of overlay's attributes: "trusted.overlay." or "user.overlay.". */
const char *xattr_prefix(const struct delta *delta);
/* Return whether the attribute belongs to the whiteout format, not to the file. */
bool xattr_is_own(const struct delta *delta, const char *key);

/* Return whether an attribute of overlay's (its name without the prefix) is one of an overlay that was mounted inside
 * of the tree, and was escaped by the outer one. */
bool xattr_is_escaped(const char *name);
/* Return why an attribute of overlay's (its name without the prefix) is not representable without it: a constant; NULL:
 * it can be left out, or is read elsewhere. */
const char *xattr_not_representable(const char *name);

/* The meaning of a file's or directory's attributes. */
struct xattrs {
	const char *foreign; /* why they are not representable in the other format; NULL: they are */
	bool own;	     /* some belong to the format */
	bool whiteout;	     /* it has the attribute of a whiteout */
};

/* Read the attributes of the open file, or of `name` in the open directory. Returns 0 or -errno. */
int xattr_read(const struct delta *delta, int fd, const char *name, struct xattrs *ret);

/* Return overlay's mark of a directory: 'y' opaque, 'x' it has whiteouts that are files; 0: none; or -errno. */
int xattr_opaque_mark(const struct delta *delta, int fd);
/* Return 1 if the directory was merged with a lower one when it was made, whose origin overlay noted; 0; or -errno. */
int xattr_is_merged(const struct delta *delta, int fd);
