/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../kernel/namespace.h"
#include "../record/journal.h"
#include "../kernel/mount.h"
#include "plan.h"

/* A stack being built: everything in it is attached nowhere, or in the stage. */
struct build {
	const struct plan *plan;
	struct journal *journal;
	const char *dir;    /* where the step's relative sources are */
	int dirfd;	    /* the same, for path_open */
	int wait_ms;	    /* how long an image may be held by what is just ending */
	struct stage stage; /* .host -EBADF: none */
	int *roots;	    /* the trees not taken yet, lowest first */
	size_t nroots;
	int *covers; /* the tmpfs of each plan->covers[i] */
	size_t ncovers;
};

/*
 * Build the plan's stack, telling the journal (begun). Killed at any point, nothing of it remains. The finished root
 * as a detached mount, or -errno after one error line.
 */
int build_stack(const struct plan *plan, struct journal *journal, int wait_ms);

/*
 * For the types: hand over the tree that a step made; *ret_path (may be NULL; for the caller to free) is where it is
 * attached in the stage, if there is one. 0 or -errno (logged).
 */
int build_add_root(struct build *build, int *mount, char **ret_path);
/* The same for a tmpfs, in the order of plan->covers. */
int build_add_cover(struct build *build, int *mount);

/*
 * For the types: claim an open directory that the stack is to show, which the spec names `source`
 * (uses_claim_directory()). 0 or -errno (logged).
 */
int build_claim_lower(struct build *build, const struct spec *spec, int dir, const char *source);
