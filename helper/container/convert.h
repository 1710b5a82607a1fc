/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../config/config-file.h"
#include "../config/container.h"
#include "../record/journal.h"
#include "../delta/convert.h"

/* A conversion of a container's deltas and config to one whiteout format. */
struct convert_container {
	const struct container *container;
	enum whiteout_format to;
	bool dry_run; /* change nothing, only report */
	/* NULL, or called for everything found in a delta, with its path there. */
	void (*found)(struct convert_container *run, const char *delta, enum convert_kind kind, const char *path,
		      const char *why);
	/* NULL, or called for each line of the config that changes, with its new value. */
	void (*line)(struct convert_container *run, unsigned int number, const char *value);
	const struct copy *progress; /* NULL, or whose tick and arg are called */
	void *arg;
	size_t deltas, lines; /* deltas converted and lines changed, or to be */
};

/*
 * Convert in place all deltas of the container's own stack, and the types in its config; also the delta of LXC's own
 * aufs (`lxc.rootfs.path = aufs:...`). The container must not run. After a kill at any point, or a crash, the next call
 * continues; until then the container counts as unfinished (container_check_whole). Returns 0, also if there is nothing
 * to do, or -errno (logged).
 */
int convert_container(struct convert_container *run);
/* Do the same, of one that does not run and whose journal is locked. Returns 0 or -errno (logged). */
int convert_container_locked(struct convert_container *run);

/*
 * Convert a container to overlay at its start, with its journal locked (`bdev.aufs = convert`), if its stack has an
 * aufs and the kernel has none. *conf is read again then. Returns 0 or -errno (logged).
 */
int convert_container_at_start(const struct container *container, struct conf *conf);
/*
 * Change *conf to what convert_container_at_start() would make of it, and nothing else. Returns 0 or -errno (logged).
 */
int convert_container_foresee(const struct container *container, struct conf *conf);
