/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../config/config-file.h"
#include "../config/container.h"
#include "../record/journal.h"
#include "../delta/convert.h"

/* A line of a container's config that names a delta to be converted, or one that has the new format already. */
struct convert_line {
	const struct spec *spec;
	unsigned int number;
	char *value, *other; /* the old and the new value of the line; NULL: only the delta changes */
	bool old_key;	     /* the key is `lxc.rootfs`, renamed to `lxc.rootfs.path` in LXC 2.1 */
	bool on_disk;	     /* the delta is not on a tmpfs of the stack */
};

struct convert_lines {
	const struct container *container;
	enum whiteout_format to;
	struct conf conf;
	struct stack rootfs; /* LXC's own root, as a spec */
	struct convert_line *lines;
	size_t n, changes; /* number of lines, and of those that change */
	bool stale;	   /* the config has changed since it was read */
};

/* Return the type name of a whiteout format. */
const char *convert_type(enum whiteout_format form);
/* Test whether the spec has the type of that format. */
bool convert_is_form(const struct spec *spec, enum whiteout_format form);
/*
 * Return the text of the spec with the type of that format; of its options, which belong to the old type, only `ro`
 * stays. For the caller to free.
 */
char *convert_value(const struct spec *spec, enum whiteout_format to);
/* Return the upper of the spec, its last source. */
const char *convert_upper_name(const struct spec *spec);

/* Return the sources "/LOWER:/UPPER" of lxc.rootfs.path if it is of LXC's own type aufs or overlay; else NULL. */
const char *convert_lxc_aufs(const char *path);
const char *convert_lxc_overlay(const char *path);

/*
 * Find the lines of the container's own config that must change to the other format: those of its stack; for overlay
 * also LXC's own `lxc.rootfs.path = aufs:...`, which LXC up to 2.1 mounted; and overlay lines whose delta still has the
 * aufs format. container and to are set by the caller. convert_lines_clear() follows in both cases. Returns 0 or -errno
 * (logged).
 */
int convert_lines_find(struct convert_lines *lines);
/* Test whether the config can be changed. Returns 0 or -errno (logged). */
int convert_lines_check(const struct convert_lines *lines);
/* Change the lines, and nothing else in the file. Returns 0 or -errno (logged). */
int convert_lines_change(struct convert_lines *lines);
/* Free the lines. */
void convert_lines_clear(struct convert_lines *lines);
