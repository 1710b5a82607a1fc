/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Remove the directory `name` in `parent` and its contents, as rm -rf --one-file-system does, following no link. before
 * (may be NULL) is called for each file just before its name is removed, with the directory that it is in. May be
 * repeated after a crash. Returns 0, also when there is no such directory; -EXDEV: a file system is mounted in it; or
 * another -errno.
 */
int remove_tree(int parent, const char *name, void (*before)(int dirfd, const char *name));
