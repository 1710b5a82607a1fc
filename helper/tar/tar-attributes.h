/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../delta/delta.h"
#include "idmap.h"
#include "tar-file.h"

struct tarattr;

/* delta NULL: of a tree that is no delta. */
struct tarattr *tarattr_new(const struct delta *delta, const struct idmap *idmap);
void tarattr_free(struct tarattr *attr);

/* How many attributes that overlay escaped were left out. */
size_t tarattr_escaped(const struct tarattr *attr);

/*
 * The extended attributes of what fd (open for reading), or path if that is not NULL, is: records for the tar's next
 * entry. 0, or -errno; then *ret_why says what it is (NULL: the errno does).
 */
int tarattr_put(struct tarattr *attr, struct tarfile *tar, int fd, const char *path, const char **ret_why);
