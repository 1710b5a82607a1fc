/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../config/config-file.h"
#include "../config/container.h"
#include "../record/journal.h"
#include "../delta/convert.h"

/* A line of a container's config that names a delta in one form, to name it in the other; or that does already. */
struct convert_line {
	const struct spec *spec;
	unsigned int number;
	char *value, *other; /* the line's value, now and then; NULL: only the delta is to be converted */
	bool old_key;	     /* it is `lxc.rootfs`, which is `lxc.rootfs.path` since LXC 2.1 */
	bool on_disk;	     /* its delta is not on a tmpfs of the stack */
};

struct convert_lines {
	const struct container *container;
	enum whiteout_format to;
	struct conf conf;
	struct stack rootfs; /* LXC's own root, as a spec */
	struct convert_line *lines;
	size_t n, changes; /* of the config */
	bool stale;	   /* the config is not what was read */
};

/* The type of bdev whose form it is. */
const char *convert_type(enum whiteout_format form);
/* The spec is of that type. */
bool convert_is_form(const struct spec *spec, enum whiteout_format form);
/* The spec's text with that type; of its options, which are the old type's own, only `ro`. For the caller to free. */
char *convert_value(const struct spec *spec, enum whiteout_format to);
/* What it writes to, its last source. */
const char *convert_upper_name(const struct spec *spec);

/* What LXC is told in lxc.rootfs.path: the sources, "/LOWER:/UPPER", if it is of this type of its own; else NULL. */
const char *convert_lxc_aufs(const char *path);
const char *convert_lxc_overlay(const char *path);

/*
 * The lines of the container's own config that are to be of the other form: its stack's, and for overlay also LXC's own
 * `lxc.rootfs.path = aufs:...`, which LXC up to 2.1 mounted; and what says overlay above a delta that is aufs' still.
 * container and to are given. 0 or -errno (logged); convert_lines_clear() in both cases.
 */
int convert_lines_find(struct convert_lines *lines);
/* Can the config be changed? 0 or -errno (logged). */
int convert_lines_check(const struct convert_lines *lines);
/* Change them, and nothing else in the file. 0 or -errno (logged). */
int convert_lines_change(struct convert_lines *lines);
void convert_lines_clear(struct convert_lines *lines);
