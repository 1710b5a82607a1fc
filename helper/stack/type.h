/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * type - the contract between a backing store type and the rest.
 *
 * A type is one file that ends in its `struct bdev_type`, and one line in
 * BDEV_TYPES. It is told everything and looks nowhere else: `plan` checks a
 * spec against the host and adds one step, `build` does that step with
 * mounts attached to nothing. It has no undo of its own when all it makes
 * lives as long as the mount; what does not is journalled and released
 * (record/release.c).
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
	const char *value;   /* what is after '=', as help shows it; NULL: none */
	const char *summary; /* one line */
};

struct bdev_type {
	const char *name;
	const char *alias;		   /* LXC's other name for it, or NULL */
	const char *source;		   /* the source's form, as help shows it */
	const char *summary;		   /* one line */
	const char *undo;		   /* what ends it */
	const struct bdev_option *options; /* beside `ro`, up to a NULL name; or NULL */
	bool writes_last;		   /* it writes to its last source, not to its first */
	const char *for_writers[4];	   /* the options that say how to write: of no use to who only reads */
	const char *filesystem;		   /* what the kernel must have in /proc/filesystems, or NULL */
	/* Why this host cannot do it at all, or NULL. NULL: any host can. */
	const char *(*impossible)(void);
	/* Check the spec, add its step to the plan. Changes nothing. 0 or -errno after one error line. */
	int (*plan)(const struct spec *spec, struct plan *plan);
	/* What others may see of it, by the functions of stack/view.h; NULL: the same, read-only. 0 or -errno (logged).
	 */
	int (*view)(const struct spec *spec, struct view *view);
	/* Copy what the container owns of it, by the functions of stack/clone.h; NULL: its source. 0 or -errno
	 * (logged).
	 */
	int (*clone)(const struct spec *spec, struct clone *clone);
	/* It stands for other specs: add them to *out. Then there is no view, and no plan nor build, unless they are of
	 * the same type: marked `expanded`, they are not asked again. 0 or -errno (logged). */
	int (*expand)(const struct spec *spec, struct stack *out);
	/* Do the step; build_add_root() what it makes. 0 or -errno after one error line. */
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

/* The type by its whole name or alias, or NULL. */
const struct bdev_type *bdev_find(const char *name);

/* The spec's type, its options and their form exist. NULL after one error line. */
const struct bdev_type *bdev_check(const struct spec *spec);

/* The number of stacking file systems below and at fd, which a source of the spec is: 1 on overlay and aufs, else 0; or
 * -errno (logged). */
int bdev_depth(const struct spec *spec, int fd);
