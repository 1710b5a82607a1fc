/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Find a program of another package: its path, for the caller to free, or NULL. LXC's are those of the LXC that this
 * was built for, and QEMU's those of QEMU_BINDIR, if `make` was told of one; what is not there, and all others, are
 * looked for in program_path().
 */
char *program_find(const char *name);

/*
 * "PATH=...", as programs that are run get it, for the caller to free: what the caller's has of absolute directories,
 * and behind them those of the system, since a hook may have no PATH at all.
 */
char *program_path(void);

/* The same without the caller's PATH, only in the system's directories. */
char *program_find_system(const char *name);
