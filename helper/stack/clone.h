/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../config/config-file.h"
#include "../base/copy.h"
#include "../base/progress.h"
#include "view.h"

#include <sys/types.h>

/* A container being copied to another directory. */
struct clone {
	const char *from_dir, *to_dir;
	const char *called; /* to_dir as LXC calls it */
	int from, to;	    /* the same, for path_open */
	bool dry;	    /* only check that the copy would be made; to is -EBADF */
	struct copy copy;
	struct view hidden; /* what a tmpfs covers, so that nothing of it is on disk */
	char **done;	    /* relative paths that are copied */
	size_t ndone;
	struct progress progress;
};

/*
 * For the types: copy the spec's source if it is relative, which is what makes it the container's own: a file or a
 * tree, with everything. It appears under its name when it is whole. Nobody may be writing to it: -EBUSY. 0 or -errno
 * (logged).
 */
int clone_source(struct clone *clone, const struct spec *spec, const char *source);
/* What is shared is not copied, and so must not be in the source's directory: 0 or -EINVAL (logged). */
int clone_shared(const struct clone *clone, const struct spec *spec, const char *source);
/* Make the directory, empty. */
int clone_make_dir(struct clone *clone, const char *source);

/* What is written to by this spec, if anything is, is the container's own. */
bool clone_owns(const struct spec *spec);

/* Let clone_stack() end this process, in the middle of a copy, when that process has ended: nobody would finish it. */
void clone_end_with(pid_t pid);

/*
 * Check what clone_stack() checks before it copies a source, and change nothing. 0 or -errno (logged).
 */
int clone_stack_check(const struct stack *stack, const char *from, const char *to);

/*
 * Copy what the stack owns from one container's directory to another's, which LXC calls `called`. 0 or -errno (logged).
 */
int clone_stack(const struct stack *stack, const char *from, const char *to, const char *called);
