/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Remove the directory `name` in `parent` with all that is in it, as rm -rf --one-file-system does; following nothing.
 * before (may be NULL) is called for each file just before its name goes, with the directory that has it. Killed, it
 * can be done again. 0 (also when there is none) or -errno; -EXDEV: something is mounted in it.
 */
int remove_tree(int parent, const char *name, void (*before)(int dirfd, const char *name));
