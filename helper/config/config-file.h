/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "spec.h"

/* The hooks of bdev.conf. */
enum conf_hook_type { HOOK_PRE_START, HOOK_POST_STOP, HOOK_CLONE, HOOK_DESTROY, HOOK_TYPES };

struct conf_hook {
	unsigned int runs; /* how often LXC runs ours: once for each include of bdev.conf */
	char *cleared;	   /* the file and line that removed ours from LXC's list, or NULL */
};

/* The keys of a container's config and its includes that concern this program. */
struct conf {
	struct stack stack;   /* bdev.rootfs, in order */
	char *rootfs_path;    /* lxc.rootfs.path as written, or NULL */
	char *rootfs_options; /* lxc.rootfs.options, or NULL */
	char *uts_name;	      /* lxc.uts.name, or NULL */
	char *hostname;	      /* bdev.hostname, or NULL */
	bool link;	      /* bdev.clone = link */
	bool convert_aufs;    /* bdev.aufs = convert */
	bool idmap;	      /* any lxc.idmap */
	bool monitor_unshare; /* lxc.monitor.unshare = 1 */
	struct conf_hook hooks[HOOK_TYPES];
	unsigned int files; /* read so far: the config and its includes */
};

/*
 * Read a config file. An unknown `bdev.` key, a bad spec, an include that cannot be read and a file that is not text
 * are errors (logged with file and line). Returns 0 or -errno; conf_clear() *ret in both cases.
 */
int conf_read(const char *file, struct conf *ret);
/* Free the config's members. */

/* Tell whether conf_read() failed since the config itself is wrong, and not since it could not be read. */
bool conf_is_wrong(int r);
void conf_clear(struct conf *conf);

/*
 * Refuse a config that includes bdev.conf and clears a list of hooks after it: LXC does not run our hook then. The
 * error line names file and line. Returns 0 or -EINVAL (logged).
 */
int conf_check_hooks(const struct conf *conf);

/* A file in the syntax of LXC's configs, to read line by line. */
struct conf_reader {
	const char *file;
	unsigned int line;  /* the line of the key that take() gets */
	unsigned int depth; /* of includes */
	int (*take)(struct conf_reader *reader, const char *key, const char *value);
	void *arg;
};

/* Call reader->take() with each KEY = VALUE, until it fails. Returns 0 or -errno (logged). */
int conf_each(struct conf_reader *reader);
