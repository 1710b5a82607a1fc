/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

/* Test whether the process is in our mount namespace. Returns 1, 0, or -errno: that cannot be seen. */
int namespace_is_ours(pid_t pid);

/* Enter a copy of the mount namespace, from which no mount propagates. Returns 0 or -errno. */
int namespace_new(void);
/*
 * Enter a copy of the mount namespace in which only the mounts remain that lead to these paths (up to a NULL): every
 * other one would keep its file system in use. Returns 0 or -errno.
 */
int namespace_copy(const char *const *paths);

/*
 * The stage: a private mount namespace for building, for kernels before 6.15. There overlay takes layers only from
 * mounts that are attached in the caller's namespace. In the stage they can be attached unseen, and they end with this
 * process.
 */
struct stage {
	int host; /* the namespace to return to; -EBADF: no stage */
	int root, cwd;
	const char *dir; /* where the stage's scratch tmpfs is */
	unsigned int n;
};

/* The test knob LXC_BDEV_OVERLAY=string|mount, which makes a new kernel take an old one's way (HACKING.md). */
enum knob { KNOB_NONE, KNOB_STRING, KNOB_MOUNT };
/* Read the test knob. Returns its value. */
enum knob stage_knob(void);

/* Test whether this kernel needs a stage, or the knob asks for one. */
bool stage_needed(void);
/* Enter the stage, with a scratch tmpfs on dir, which must exist and outlive the stage. Returns 0 or -errno. */
int stage_enter(struct stage *stage, const char *dir);
/*
 * Make a detached mount usable as a layer: attach it in the stage, if there is one. *ret_path (may be NULL) is then its
 * path, for the caller to free. Returns 0 or -errno.
 */
int stage_hold(struct stage *stage, int mount, char **ret_path);
/* Make a new empty directory in the stage. Returns its path, for the caller to free, or NULL with errno set. */
char *stage_dir(struct stage *stage);
/* Return to the namespace that stage_enter() came from. Returns 0 or -errno. */
int stage_leave(struct stage *stage);
