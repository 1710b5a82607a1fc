/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../stack/type.h"

#include <sys/stat.h>

/* A planned branch. */
struct branch {
	char *name;	/* in messages */
	char *path;	/* resolved */
	struct stat st; /* all 0: the start makes the directory */
};

struct branch_list {
	struct branch *at;
	size_t n;
};

/*
 * Check that aufs accepts the open directory beside the other branches, and add it. made: fd is the parent, in which
 * the start makes the directory. The list takes name and path. Returns 0 or -errno (logged).
 */
int aufs_branches_add(const struct spec *spec, struct branch_list *list, int fd, char *name, char *path, bool made);
/*
 * Add a directory by its inode and path. Refuses one that is already a branch, is inside a branch or contains one. The
 * list takes name and path. Returns 0 or -EINVAL (logged).
 */
int aufs_branches_put(const struct spec *spec, struct branch_list *list, char *name, char *path, const struct stat *st);
/* Free what the list holds. */
void aufs_branches_free(struct branch_list *list);
