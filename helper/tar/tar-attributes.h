/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../delta/delta.h"
#include "idmap.h"
#include "tar-file.h"

struct tarattr;

/* Allocate a reader of attributes; delta NULL: of a tree that is no delta. */
struct tarattr *tarattr_new(const struct delta *delta, const struct idmap *idmap);
/* Free it. */
void tarattr_free(struct tarattr *attr);

/* Return the number of attributes that overlay escaped, and that were left out. */
size_t tarattr_escaped(const struct tarattr *attr);

/*
 * Add the extended attributes of the file at fd (open for reading), or at path if that is not NULL, as records of the
 * tar's next entry. Returns 0, or -errno; then *ret_why says what is wrong (NULL: the errno does).
 */
int tarattr_put(struct tarattr *attr, struct tarfile *tar, int fd, const char *path, const char **ret_why);
