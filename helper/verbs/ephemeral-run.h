/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../command/verb.h"
#include "../container/ephemeral.h"

/* The options of ephemeral. */
struct ephemeral_options {
	const char *name, *lxcpath, *newname, *newpath, *upper, *backing;
	struct option_value tmpfs;
	bool keepdata, keepname, foreground;
};

/*
 * Start the new container in lxcpath, and run the command of args in it, if there is one; then, or after a signal, stop
 * the container. Returns 0, -errno after an error line, or an exit status: the command's, or 128 and the signal.
 */
int ephemeral_run(const struct args *args, const struct ephemeral *ephemeral, const char *lxcpath);
