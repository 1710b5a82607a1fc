/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * type - the contract between a backing store type and the rest.
 *
 * A type is one file that ends in its `struct bdev_type`, and one line in
 * BDEV_TYPES. It gets all information as arguments. `plan` checks a spec
 * against the host and adds one step; `build` does that step with detached
 * mounts. A type has no undo: what ends with the mount is undone by the
 * kernel, and everything else is recorded and released (record/release.c).
 */
#pragma once

#include "build.h"
#include "../base/cleanup.h"
#include "clone.h"
#include "../base/log.h"
#include "../base/path.h"
#include "plan.h"
#include "../config/spec.h"
#include "view.h"

struct bdev_option {
	const char *name;
	const char *value;   /* its value's syntax in help; NULL: it takes no value */
	const char *summary; /* one line */
};

struct bdev_type {
	const char *name;
	const char *alias;		   /* LXC's other name for it, or NULL */
	const char *source;		   /* the syntax of its source in help */
	const char *summary;		   /* one line */
	const char *undo;		   /* what ends it */
	const struct bdev_option *options; /* besides `ro`, up to a NULL name; or NULL */
	bool writes_last;		   /* it writes to its last source, not its first */
	const char *for_writers[4];	   /* options that only concern writing */
	const char *filesystem;		   /* the kernel needs it in /proc/filesystems; or NULL */
	/* Return why this host does not support the type, or NULL. No function: all hosts do. */
	const char *(*impossible)(void);
	/* Check the spec and add its step to the plan; change nothing. Returns 0 or -errno (logged). */
	int (*plan)(const struct spec *spec, struct plan *plan);
	/* Add the read-only view of it by stack/view.h. No function: the same spec. Returns 0 or -errno (logged). */
	int (*view)(const struct spec *spec, struct view *view);
	/* Copy the container's part of it by stack/clone.h. No function: its source. Returns 0 or -errno (logged). */
	int (*clone)(const struct spec *spec, struct clone *clone);
	/*
	 * Replace the spec by others, added to *out. Such a type has no view, and has plan and build only if the others
	 * are of the same type; these are marked `expanded` and not replaced again. Returns 0 or -errno (logged).
	 */
	int (*expand)(const struct spec *spec, struct stack *out);
	/* Do the step and pass its tree to build_add_root(). Returns 0 or -errno (logged). */
	int (*build)(const struct step *step, struct build *build);
};

#define BDEV_TYPES(X) \
	X(dir)        \
	X(loop)       \
	X(tmpfs)      \
	X(overlay)    \
	X(aufs)       \
	X(nbd)        \
	X(container)  \
	X(layer)

extern const struct bdev_type *const bdev_types[];
extern const size_t bdev_ntypes;

/* Find a type by its name or alias. Returns it or NULL. */
const struct bdev_type *bdev_find(const char *name);

/* Check the spec's type and the names and values of its options. Returns the type or NULL (logged). */
const struct bdev_type *bdev_check(const struct spec *spec);

/* Count the stacking file systems at an open source. Returns 1 on overlay and aufs, else 0; or -errno (logged). */
int bdev_depth(const struct spec *spec, int fd);
