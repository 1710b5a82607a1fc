/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../delta/delta.h"
#include "../command/verb.h"

/* The command line of convert. */
struct convert_options {
	const char *name, *lxcpath, *to;
	struct option_list lowers;
	bool userxattr, dry_run, check;
};

/* `lxc-bdev convert -n NAME FORM`: the deltas of one container, and its config. 0 or -errno (logged). */
int convert_named(const struct convert_options *options, const char *name, enum whiteout_format to);
