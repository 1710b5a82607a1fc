/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../config/spec.h"

/* A binding. The file must have been opened accordingly: for writing unless readonly, with O_DIRECT for direct. */
struct loop_request {
	const char *name; /* the file's name in messages and for losetup */
	uint64_t offset;
	uint64_t size; /* 0: to the end of the file */
	bool readonly;
	bool direct;
};

/*
 * Bind a loop device to the open file. It stays bound as long as the returned descriptor or a mount of it exists, and
 * keeps the open file description with its locks. Returns the device's descriptor, or -errno after one error line of
 * the spec's (-EOPNOTSUPP: no loop devices here).
 */
int loop_attach(const struct spec *spec, int file, const struct loop_request *request);

/*
 * Test whether loop_attach() will find a device that has a node, and change nothing. Returns 0; -EOPNOTSUPP (logged:
 * what is missing in /dev); or -errno (logged).
 */
int loop_foresee(const struct spec *spec);

/*
 * Open another reader's device for the same area, which then stays bound. Only for a reader, when the file's lock says
 * that there is another one. Returns the device's descriptor or -ENOENT.
 */
int loop_find_shared(int file, const struct loop_request *request);

/*
 * Find the attached device's name, "/dev/loopN": *ret_node, for the caller to free. If `direct` was requested, check
 * that it is in effect. Returns 0, or -errno after one error line of the spec's (-EOPNOTSUPP: the file cannot be
 * direct).
 */
int loop_node(const struct spec *spec, int device, const struct loop_request *request, char **ret_node);

/* Read the open block device's sequence number, which earlier ones of its name do not have (Linux 5.15). Returns it; 0:
 * unknown. */
unsigned long long loop_diskseq(int device);

/* Read the open device's number. Returns it, or a negative number. */
int loop_number(int device);

/* Test whether the device of this number is bound, and has this sequence number (0: any). Returns 1, 0 or -errno. */
int loop_is_bound(int nr, unsigned long long diskseq);

/*
 * Find a loop device that is not ours and is bound to any part of the open file: *ret_node, for the caller to free.
 * writers: only one that can write. Returns 1; 0: there is none; or -errno: *ret_node, if set, may be one and cannot be
 * read.
 */
int loop_find_foreign(int file, bool writers, char **ret_node);
