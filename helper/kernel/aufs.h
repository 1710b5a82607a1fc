/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "aufs-info.h"
#include "mount.h"
#include "namespace.h"

/* The options of an aufs beside its branches. */
struct aufs_options {
	enum { DIRPERM1_AUTO, DIRPERM1_ON, DIRPERM1_OFF } dirperm1; /* auto: if the kernel has it */
	const char *xino; /* where its file of inode numbers is made; NULL: in the stage; "off": nowhere */
};

/*
 * Mount the branches in the stage, which must have been entered, and check that the kernel did as asked. *ret_si, for
 * the caller to free, is the aufs's name in /sys/fs/aufs. Returns the mount's descriptor, or -errno after one error
 * line that begins with `where`; then nothing is mounted.
 */
int aufsfs_mount(const struct branches *branches, const struct aufs_options *options, struct stage *stage,
		 const char *where, char **ret_si);
