/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../stack/type.h"

#include <sys/stat.h>

/* A directory that will be a branch. */
struct branch {
	char *name;	/* as messages call it */
	char *path;	/* resolved */
	struct stat st; /* all 0: to be made */
};

struct branch_list {
	struct branch *at;
	size_t n;
};

/*
 * Add the open directory, which the kernel will be told of by its path, if aufs takes it beside the others; `made`: the
 * start makes it, in the directory that is open. name and path become the list's. 0 or -errno (logged).
 */
int aufs_branches_add(const struct spec *spec, struct branch_list *list, int fd, char *name, char *path, bool made);
/*
 * Add a directory of which only the inode and the path are known. No two branches are one directory, and none is in
 * another. 0 or -EINVAL (logged).
 */
int aufs_branches_put(const struct spec *spec, struct branch_list *list, char *name, char *path, const struct stat *st);
void aufs_branches_free(struct branch_list *list);
