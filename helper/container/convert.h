/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../config/config-file.h"
#include "../config/container.h"
#include "../record/journal.h"
#include "../delta/convert.h"

/* In its directory while it is being converted: a symbolic link that says to what. */
/* A container whose deltas are to be in one form, and its config to say so. */
struct convert_container {
	const struct container *container;
	enum whiteout_format to;
	bool dry_run; /* only tell what there is to do */
	/* NULL, or called for all that is found in a delta, with its path there. */
	void (*found)(struct convert_container *run, const char *delta, enum convert_kind kind, const char *path,
		      const char *why);
	/* NULL, or called for each line of the config that changes, with its new value. */
	void (*line)(struct convert_container *run, unsigned int number, const char *value);
	const struct copy *progress; /* NULL, or whose tick and arg are called */
	void *arg;
	size_t deltas, lines; /* what was converted, and changed (or would be) */
};

/*
 * Convert what the container's own stack writes to, in its place, and the types in its config; also what LXC's own
 * aufs has left (`lxc.rootfs.path = aufs:...`). It must not run. Killed anywhere, or after a crash, it is done again by
 * the next call, and until then the container is not whole (container_check_whole). 0, also when there is nothing to
 * do, or -errno after one error line.
 */
int convert_container(struct convert_container *run);
/* Do the same, of one that does not run and whose journal is locked. Returns 0 or -errno (logged). */
int convert_container_locked(struct convert_container *run);

/*
 * `bdev.aufs = convert`, for the start of a container whose journal is locked: the same to overlay, if it has an aufs
 * and the kernel has none. *conf is read anew then. 0 or -errno (logged).
 */
int convert_container_at_start(const struct container *container, struct conf *conf);
/* The stack as it will be then; nothing but *conf is changed. 0 or -errno (logged). */
int convert_container_foresee(const struct container *container, struct conf *conf);
