/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "spec.h"

/* The hooks of bdev.conf. */
enum conf_hook_type { HOOK_PRE_START, HOOK_POST_STOP, HOOK_CLONE, HOOK_DESTROY, HOOK_TYPES };

struct conf_hook {
	unsigned int runs; /* how often LXC runs ours: once for each include of bdev.conf */
	char *cleared;	   /* the file and line that removed ours from LXC's list, or NULL */
};

/* What a container's config, with all that it includes, says to us. */
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
	unsigned int files; /* that were read: it and its includes */
};

/*
 * Read a config file. An unknown `bdev.` key, a bad spec, an include that cannot be read or a file that is not
 * text is an error line naming file and line. 0 or -errno; *ret is to be cleared in both cases.
 */
int conf_read(const char *file, struct conf *ret);
void conf_clear(struct conf *conf);

/*
 * Refuse a config that includes bdev.conf and clears a list of hooks after it: LXC does not run our hook then. The
 * line names file and line. 0 or -EINVAL (logged).
 */
int conf_check_hooks(const struct conf *conf);

/*
 * LXC's lxcpath: lxc.lxcpath of LXC's own lxc.conf, else the one LXC was built with. For the caller to free. If
 * lxc.conf is there and cannot be read, the process ends after an error line: another lxcpath has other containers.
 */
char *conf_lxcpath(void);

/* A file in the form of LXC's configs, read line by line. */
struct conf_reader {
	const char *file;
	unsigned int line;  /* of the key that take() gets */
	unsigned int depth; /* of includes */
	int (*take)(struct conf_reader *reader, const char *key, const char *value);
	void *arg;
};

/* Call reader->take() for each KEY = VALUE, until it fails. 0 or -errno (logged). */
int conf_each(struct conf_reader *reader);
