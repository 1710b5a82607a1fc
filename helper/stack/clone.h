/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../config/config-file.h"
#include "../base/copy.h"
#include "../base/progress.h"
#include "view.h"

#include <sys/types.h>

/* The copy of a container to another directory. */
struct clone {
	const char *from_dir, *to_dir;
	const char *called; /* LXC's path of the new container */
	int from, to;	    /* the same, for path_open */
	bool dry;	    /* only check whether the copy can be made; to is -EBADF */
	struct copy copy;
	struct view hidden; /* its covers: directories below a tmpfs, of which nothing is on disk */
	char **done;	    /* the relative paths copied so far */
	size_t ndone;
	struct progress progress;
};

/*
 * Copy a source of a spec, a file or a tree, if its path is relative: then it belongs to the container. The copy gets
 * its name when it is complete. Returns 0; -EBUSY (logged): it has a writer; or -errno (logged).
 */
int clone_source(struct clone *clone, const struct spec *spec, const char *source);
/* Refuse a shared (absolute) source that is in the source container's directory, as it is not copied. Returns 0 or
 * -errno (logged). */
int clone_shared(const struct clone *clone, const struct spec *spec, const char *source);
/* Make an empty directory instead of copying. Returns 0 or -errno (logged). */
int clone_make_dir(struct clone *clone, const char *source);

/* Return whether the source that this spec writes to belongs to the container (is relative). */
bool clone_owns(const struct spec *spec);

/* Let clone_stack() end this process during a copy if process pid ends: nobody would finish the clone. */
void clone_end_with(pid_t pid);

/* Make the checks of clone_stack() and change nothing. Returns 0 or -errno (logged). */
int clone_stack_check(const struct stack *stack, const char *from, const char *to);

/*
 * Copy the relative sources of the stack from one container's directory to that of another, which LXC calls `called`.
 * Returns 0 or -errno (logged).
 */
int clone_stack(const struct stack *stack, const char *from, const char *to, const char *called);
