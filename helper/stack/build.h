/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../kernel/namespace.h"
#include "../record/journal.h"
#include "../kernel/mount.h"
#include "plan.h"

/* A stack while it is built: its mounts are detached, or attached in the stage. */
struct build {
	const struct plan *plan;
	struct journal *journal;
	const char *dir;    /* of the step's relative sources */
	int dirfd;	    /* the same, for path_open */
	int wait_ms;	    /* how long to wait for images whose last users are just ending */
	struct stage stage; /* .host -EBADF: no stage */
	int *roots;	    /* the trees that no union has taken yet, lowest first */
	size_t nroots;
	int *covers; /* the tmpfs of each plan->covers[i] */
	size_t ncovers;
};

/*
 * Build the plan's stack and record each step in the begun journal. If the process is killed, the kernel unmounts all
 * of it. Returns the stack as a detached mount or -errno (logged).
 */
int build_stack(const struct plan *plan, struct journal *journal, int wait_ms);

/*
 * Take over the tree that a type's build made. *ret_path (may be NULL; for the caller to free) is its path in the
 * stage, NULL without a stage. Returns 0 or -errno (logged).
 */
int build_add_root(struct build *build, int *mount, char **ret_path);
/* Take over a tmpfs in the same way; they come in the order of plan->covers. Returns 0 or -errno (logged). */
int build_add_cover(struct build *build, int *mount);

/*
 * Claim an open lower layer, which the spec calls source, for a type by uses_claim_directory(). Returns 0 or -errno
 * (logged).
 */
int build_claim_lower(struct build *build, const struct spec *spec, int dir, const char *source);
