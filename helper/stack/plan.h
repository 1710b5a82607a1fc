/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../config/spec.h"

#include <sys/types.h>

struct build;
struct step;

/* When a step happens: so far all of them at once, when LXC runs its pre-start hooks. */
enum phase { PHASE_PRE_START };

/* One thing that a start does. A step without `build` is the core's own (attach) and only shown. */
struct step {
	enum phase phase;
	const struct spec *spec; /* NULL: the core's own */
	char *text;		 /* what happens, as a person reads it */
	const char *undo;	 /* who undoes it, and when */
	int (*build)(const struct step *step, struct build *build);
	void *data; /* what the type needs to build it; one allocation, freed with the plan */
};

/* A tree that the specs so far have made, and that no later one has taken yet. */
struct plan_root {
	const struct spec *spec;
	int depth;	    /* how many stacking file systems it is; the kernel's limit is 2 */
	bool writes;	    /* what is written to it outlives the container's run */
	const char *fstype; /* its file system, where that is known beforehand; or NULL */
	bool aufs;	    /* it is an aufs or lies on one: no overlay may lie on it */
};

/* A tmpfs over a directory: uppers named below it lie on the tmpfs. */
struct plan_cover {
	const struct spec *spec;
	char *dir; /* absolute, as text */
	bool used, keep;
};

/* A directory that relative sources of some specs belong to, beside the plan's own. */
struct plan_owner {
	const char *dir; /* a spec's */
	int dirfd;
	ino_t config; /* inode of its config, which is another when that changed */
};

/*
 * What a stack becomes on this host. Making it reads (paths, superblocks) and changes nothing.
 */
struct plan {
	const char *dir;    /* the container's directory */
	int dirfd;	    /* the same, for path_open */
	struct stack stack; /* the specs, with what they stand for in their place */
	struct plan_owner *owners;
	size_t nowners;
	struct step *steps;
	size_t nsteps;
	struct plan_root *roots; /* lowest first */
	size_t nroots;
	struct plan_cover *covers;
	size_t ncovers;
	bool in_namespace; /* for the monitor's namespace, not for the host's */
	char *at;	   /* where the finished stack is attached */
	bool at_readonly;
	bool staged;	 /* a type names its layers by path: build it in the stage */
	bool below;	 /* LXC's own overlay writes above it */
	char *delta;	 /* that overlay's upper; or NULL */
	size_t *writers; /* all of them, as places in the stack */
	size_t nwriters;
	const struct spec *loop;   /* the first spec that needs a free loop device, or NULL */
	const struct spec *writer; /* the first spec whose store a start of the container changes, or NULL */
};

/* Where the finished stack goes. */
struct plan_target {
	const char *mount;
	bool in_namespace; /* of the monitor, which ends with it */
	bool readonly;	   /* below LXC's own overlay */
};

/*
 * Plan a stack; ret->dir and ret->dirfd are given. Whatever the kernel cannot do is refused here, in one error line
 * that names the spec. 0 or -errno (-EOPNOTSUPP: not on this host). plan_clear() in both cases.
 */
int plan_make(const struct stack *stack, const struct plan_target *target, struct plan *plan);
void plan_clear(struct plan *plan);

/* Where the relative sources of a spec are: the plan's own directory, or one of its owners'. */
void plan_own(const struct plan *plan, const struct spec *spec, const char **ret_dir, int *ret_dirfd);

/* A kept tmpfs is in it: the stack outlives a reboot of the container. */
bool plan_keeps(const struct plan *plan);

/* For the types. Add the step of this spec; data becomes the plan's. */
__attribute__((format(printf, 4, 5))) void plan_step(struct plan *plan, const struct spec *spec, void *data,
						     const char *format, ...);
/* The tree that the step makes, on top of those held. */
void plan_add_root(struct plan *plan, const struct spec *spec, int depth, bool writes);
/* The tree that was added last is made of the directory at fd, which may lie on an aufs. 0 or -errno (logged). */
int plan_look_for_aufs(struct plan *plan, int fd);
/* Refuse an overlay on what the stack holds if that lies on an aufs: the kernel would crash. 0 or -EINVAL (logged). */
int plan_check_no_aufs(const struct plan *plan, const struct spec *spec);
/* A start opens this spec's store for writing, whatever lies above it. */
void plan_add_writer(struct plan *plan, const struct spec *spec);
/* They are for a union of this spec's type, as far as they say. 0 or -EINVAL (logged). */
int plan_check_form(const struct plan *plan, const struct spec *spec);
/* Take all held trees away; their number. *ret_depth: the deepest one's. */
size_t plan_take_roots(struct plan *plan, int *ret_depth);
/* The innermost cover over an absolute path (an index into covers), or -1. */
int plan_find_cover(const struct plan *plan, const char *path);

const char *phase_name(enum phase phase);
