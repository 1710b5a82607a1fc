/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../config/spec.h"

/* What to bind. The file must have been opened for it: for writing unless readonly, with O_DIRECT for direct. */
struct loop_request {
	const char *name; /* the file, as messages and losetup call it */
	uint64_t offset;
	uint64_t size; /* 0: to the end of the file */
	bool readonly;
	bool direct;
};

/*
 * A loop device of the open file, open: bound as long as that descriptor or a mount of it. It keeps the open file
 * description, with its locks. fd, or -errno after one error line of the spec's (-EOPNOTSUPP: no loop devices here).
 */
int loop_attach(const struct spec *spec, int file, const struct loop_request *request);

/*
 * Look whether loop_attach() will find a device that has a node, and change nothing. 0, -EOPNOTSUPP (logged: what is
 * missing in /dev), or -errno (logged).
 */
int loop_foresee(const struct spec *spec);

/*
 * Another reader's device for the same area, opened: from then on it stays bound. fd, or -ENOENT.
 * Only to be asked by a reader when the file's lock says that there is another one.
 */
int loop_find_shared(int file, const struct loop_request *request);

/*
 * The attached device's name, "/dev/loopN", for the caller to free. direct is promised, so it is checked that it took.
 * 0, or -errno after one error line of the spec's (-EOPNOTSUPP: the file cannot be direct).
 */
int loop_node(const struct spec *spec, int device, const struct loop_request *request, char **ret_node);

/* What tells the open block device from earlier ones of its name (Linux 5.15); 0: unknown. */
unsigned long long loop_diskseq(int device);

/* The open device's number. */
int loop_number(int device);

/* Is the device of this number bound, and (if known, that is not 0) the one with this sequence number? 1, 0 or -errno.
 */
int loop_is_bound(int nr, unsigned long long diskseq);

/*
 * Find a loop device that this program did not make and that has any part of the open file: *ret_node, for the caller
 * to free. writers: only one that can write. 1: found; 0: none; or -errno: *ret_node, if set, may be one and cannot be
 * read.
 */
int loop_find_foreign(int file, bool writers, char **ret_node);
