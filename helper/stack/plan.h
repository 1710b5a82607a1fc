/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../config/spec.h"

#include <sys/types.h>

struct build;
struct step;

/* The time of a step. All are done when LXC runs the pre-start hooks. */
enum phase { PHASE_PRE_START };

/* A step of a start. One without build is done by the caller of build_stack() (attach), and only shown here. */
struct step {
	enum phase phase;
	const struct spec *spec; /* NULL: a step of no type */
	char *text;		 /* for the plan that users see */
	const char *undo;	 /* what undoes it, and when */
	int (*build)(const struct step *step, struct build *build);
	void *data; /* the type's, for build; a single allocation, freed with the plan */
};

/* A tree of the specs so far, which no union has taken yet. */
struct plan_root {
	const struct spec *spec;
	int depth;	    /* of stacking file systems; the kernel's limit is 2 */
	bool writes;	    /* writes to it outlive the run of the container */
	const char *fstype; /* its file system; NULL: not known before the build */
	bool aufs;	    /* it is an aufs or lies on one: no overlay may be mounted above it */
};

/* A tmpfs over a directory: uppers with paths inside it are on the tmpfs. */
struct plan_cover {
	const struct spec *spec;
	char *dir; /* absolute, as text */
	bool used, keep;
};

/* The directory of another container, to which relative sources of some specs belong. */
struct plan_owner {
	const char *dir; /* points into a spec */
	int dirfd;
	ino_t config; /* inode of its config; a changed config has another one */
};

/* The steps for a stack on this host. Making a plan reads paths and superblocks, and changes nothing. */
struct plan {
	const char *dir;    /* the container's directory */
	int dirfd;	    /* the same, for path_open */
	struct stack stack; /* the specs, expanded (view_expand()) */
	struct plan_owner *owners;
	size_t nowners;
	struct step *steps;
	size_t nsteps;
	struct plan_root *roots; /* lowest first */
	size_t nroots;
	struct plan_cover *covers;
	size_t ncovers;
	bool in_namespace; /* attached in the monitor's mount namespace, not in the host's */
	char *at;	   /* where the finished stack will be attached */
	bool at_readonly;
	bool staged;	 /* a type passes paths to the kernel: build it in the stage */
	bool below;	 /* it is the lower layer of LXC's own overlay */
	char *delta;	 /* that overlay's upper; or NULL */
	size_t *writers; /* indexes into the stack: all specs that a start opens for writing */
	size_t nwriters;
	const struct spec *loop;   /* the first spec that needs a free loop device, or NULL */
	const struct spec *writer; /* the first of the writers, or NULL */
};

/* Where the finished stack will be attached. */
struct plan_target {
	const char *mount;
	bool in_namespace; /* in that of the monitor, which unmounts it when it ends */
	bool readonly;	   /* as the lower layer of LXC's own overlay */
};

/*
 * Plan a stack; the caller has set plan->dir and plan->dirfd. Refuses everything that the kernel cannot do, with one
 * message that names the spec. Returns 0 or -errno (logged; -EOPNOTSUPP: not on this host). Call plan_clear() in both
 * cases.
 */
int plan_make(const struct stack *stack, const struct plan_target *target, struct plan *plan);
/* Free what the plan holds. */
void plan_clear(struct plan *plan);

/* Find the directory of a spec's relative sources: the plan's own, or that of another container. */
void plan_own(const struct plan *plan, const struct spec *spec, const char **ret_dir, int *ret_dirfd);

/* Return whether the stack has a kept tmpfs, and so outlives a reboot of the container. */
bool plan_keeps(const struct plan *plan);

/* The functions below are for the types. Add the step of a spec; the plan takes data. */
__attribute__((format(printf, 4, 5))) void plan_step(struct plan *plan, const struct spec *spec, void *data,
						     const char *format, ...);
/* Add the tree that the step makes, on top of the trees so far. */
void plan_add_root(struct plan *plan, const struct spec *spec, int depth, bool writes);
/* Look whether the directory of the tree added last is on an aufs, and note it. Returns 0 or -errno (logged). */
int plan_look_for_aufs(struct plan *plan, int fd);
/* Refuse an overlay above a tree that is on an aufs: the kernel would crash. Returns 0 or -EINVAL (logged). */
int plan_check_no_aufs(const struct plan *plan, const struct spec *spec);
/* Note that a start opens this spec's source for writing, even as a lower layer. */
void plan_add_writer(struct plan *plan, const struct spec *spec);
/* Refuse trees with whiteouts that the spec's type cannot read. Returns 0 or -EINVAL (logged). */
int plan_check_form(const struct plan *plan, const struct spec *spec);
/* Take all trees so far. Returns their number; *ret_depth is that of the deepest. */
size_t plan_take_roots(struct plan *plan, int *ret_depth);
/* Find the innermost tmpfs over an absolute path. Returns an index into covers, or -1. */
int plan_find_cover(const struct plan *plan, const char *path);

/* Return the name of a phase, a constant. */
const char *phase_name(enum phase phase);
