/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* The files and network access that a program is allowed, besides its libraries. */
struct sandbox {
	const char *program; /* its path */
	int first;	     /* the lowest descriptor of its files; the others follow */
	size_t nfiles;
	size_t nwritten; /* so many of the files, the first ones, are opened for writing */
	bool network;	 /* it connects to a server: allow sockets and the resolver's files */
};

/*
 * Confine this process, and the program that it executes next:
 * - to the files given, by Landlock(7);
 * - without network, by seccomp(2);
 * - to an unprivileged user without capabilities, or as near to that as the files allow (sandbox.c says why).
 * On a kernel without Landlock or seccomp filters, that part is left out. Any other failure is an error, since it would
 * leave the process unconfined. Returns 0, or -errno with *ret_what (static) naming the action that failed.
 */
int sandbox_enter(const struct sandbox *sandbox, const char **ret_what);
