/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* What a program is allowed, beside its libraries. */
struct sandbox {
	const char *program; /* its path */
	int first;	     /* the first of its files' descriptors; the others follow */
	size_t nfiles;
	size_t nwritten; /* of these files, the first are opened for writing, the others for reading */
	bool network;	 /* it connects to a server: sockets, and the files that tell where the server is */
};

/*
 * Confine this process, and the program that it executes next:
 * - to the files given, by Landlock(7);
 * - without network, by seccomp(2);
 * - to an unprivileged user without capabilities, or as near to that as the files allow (sandbox.c says why).
 * A kernel that was built or booted without Landlock or seccomp filters does without that one; any other failure is
 * an error, since it would leave the process unconfined. 0, or -errno and *ret_what (static) says what failed.
 */
int sandbox_enter(const struct sandbox *sandbox, const char **ret_what);
