/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Find a program of another package. LXC's programs are looked for where the LXC is that this was built for, and QEMU's
 * in QEMU_BINDIR, if `make` was told of one; then, and all others, in program_path(). Returns the program's path, for
 * the caller to free, or NULL.
 */
char *program_find(const char *name);

/*
 * Make the PATH for the programs that are run: the absolute directories of the caller's PATH, then those of the system,
 * since a hook may have no PATH at all. Returns "PATH=...", for the caller to free.
 */
char *program_path(void);

/* Find a program in the system's directories only. Returns its path, for the caller to free, or NULL. */
char *program_find_system(const char *name);
