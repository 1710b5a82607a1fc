/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../delta/delta.h"
#include "../command/verb.h"

/* The options of convert. */
struct convert_options {
	const char *name, *lxcpath, *to;
	struct option_list lowers;
	bool userxattr, dry_run, check, json;
};

/*
 * Convert the deltas of one container, and its config (`lxc-bdev convert -n NAME FORMAT`). Returns 0 or -errno
 * (logged).
 */
int convert_named(const struct convert_options *options, const char *name, enum whiteout_format to);
