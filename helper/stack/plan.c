/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * plan - turn a stack of specs into a list of steps, without changing anything.
 *
 * Each spec makes a tree, the lowest first. An overlay takes all trees so far
 * as its lower layers. At the end there must be a single tree, the root. A
 * tmpfs makes no tree: it covers a directory for uppers inside it.
 */
#include "plan.h"
#include "type.h"
#include "../kernel/aufs-info.h"
#include "../base/cleanup.h"
#include "../base/log.h"
#include "../base/path.h"

#include <fcntl.h>

const char *phase_name(enum phase phase)
{
	static const char *const names[] = { [PHASE_PRE_START] = "pre-start" };

	return names[phase];
}

static struct step *add_step(struct plan *plan, enum phase phase, char *text, const char *undo)
{
	struct step *step = ARRAY_ADD(plan->steps, plan->nsteps);

	*step = (struct step){ .phase = phase, .text = text, .undo = undo };
	return step;
}

void plan_step(struct plan *plan, const struct spec *spec, void *data, const char *format, ...)
{
	const struct bdev_type *type = bdev_find(spec->type);
	struct step *step;
	char *text = NULL;
	va_list args;
	int n;

	va_start(args, format);
	n = vasprintf(&text, format, args);
	va_end(args);
	step = add_step(plan, PHASE_PRE_START, must(n < 0 ? NULL : text), type->undo);
	step->spec = spec;
	step->build = type->build;
	step->data = data;
}

void plan_add_root(struct plan *plan, const struct spec *spec, int depth, bool writes)
{
	*ARRAY_ADD(plan->roots, plan->nroots) = (struct plan_root){ .spec = spec, .depth = depth, .writes = writes };
}

int plan_look_for_aufs(struct plan *plan, int fd)
{
	struct plan_root *root = &plan->roots[plan->nroots - 1];
	int r = aufs_is(fd);

	if (r < 0)
		return spec_refuse(root->spec, r, "look up its file system: %s", strerror(-r));
	root->aufs = r;
	return 0;
}

int plan_check_no_aufs(const struct plan *plan, const struct spec *spec)
{
	for (size_t i = 0; i < plan->nroots; i++)
		if (plan->roots[i].aufs)
			return spec_refuse(spec, -EINVAL,
					   "lower layer '%s' is an aufs or lies on one, and an overlay on an aufs "
					   "crashes the kernel",
					   plan->roots[i].spec->text);
	return 0;
}

void plan_add_writer(struct plan *plan, const struct spec *spec)
{
	size_t place = (size_t)(spec - plan->stack.specs);

	for (size_t i = 0; i < plan->nwriters; i++)
		if (plan->writers[i] == place)
			return;
	*ARRAY_ADD(plan->writers, plan->nwriters) = place;
	plan->writer = &plan->stack.specs[plan->writers[0]];
}

int plan_check_form(const struct plan *plan, const struct spec *spec)
{
	const struct bdev_type *type = bdev_find(spec->type);

	for (size_t i = 0; i < plan->nroots; i++) {
		const struct spec *held = plan->roots[i].spec;

		if (held->form && strcmp(held->form, type->name) != 0)
			return spec_refuse(
				spec, -EINVAL,
				"lower layer '%s' has whiteouts in %s format, which %s cannot read; use %s "
				"here, too%s",
				held->text, held->form, type->name, held->form,
				strcmp(held->form, "aufs") != 0 ? ""
				: strcmp(held->type, "layer") == 0
					? ", or convert its store: lxc-bdev layer --driver overlay import --aufs"
					: ", or convert its container: lxc-bdev convert -n NAME overlay");
	}
	return 0;
}

size_t plan_take_roots(struct plan *plan, int *ret_depth)
{
	size_t n = plan->nroots;

	*ret_depth = 0;
	for (size_t i = 0; i < n; i++)
		if (plan->roots[i].depth > *ret_depth)
			*ret_depth = plan->roots[i].depth;
	plan->nroots = 0;
	return n;
}

int plan_find_cover(const struct plan *plan, const char *path)
{
	for (size_t i = plan->ncovers; i > 0; i--)
		if (path_below(path, plan->covers[i - 1].dir))
			return (int)i - 1;
	return -1;
}

bool plan_keeps(const struct plan *plan)
{
	for (size_t i = 0; i < plan->ncovers; i++)
		if (plan->covers[i].keep)
			return true;
	return false;
}

/* Check the stack as a whole. Returns 0 or -EINVAL (logged). */
static int check_whole(const struct stack *stack, const struct plan *plan)
{
	for (size_t i = 0; i < plan->ncovers; i++) {
		const struct plan_cover *cover = &plan->covers[i];

		if (!cover->used)
			return spec_refuse(cover->spec, -EINVAL,
					   "no upper above it is in '%s'; a tmpfs is for an overlay's upper, so add "
					   "overlay:UPPER with UPPER in that directory, on a later line",
					   cover->dir);
		if (cover->keep != plan->covers[0].keep)
			return spec_refuse(cover->spec, -EINVAL,
					   "keep= conflicts with that of '%s': a stack is kept or ended as a whole",
					   plan->covers[0].spec->text);
	}
	if (plan->nroots > 1)
		return spec_refuse(plan->roots[plan->nroots - 1].spec, -EINVAL,
				   "would hide '%s' below it; add an overlay above both to merge them",
				   plan->roots[plan->nroots - 2].spec->text);
	return plan->nroots ? 0
			    : spec_refuse(&stack->specs[stack->n - 1], -EINVAL, "the stack has no root file system");
}

static int open_owner(struct plan *plan, const struct spec *spec)
{
	struct plan_owner *owner;
	struct stat st;
	int fd;

	for (size_t i = 0; i < plan->nowners; i++)
		if (strcmp(plan->owners[i].dir, spec->dir) == 0)
			return 0;
	fd = open(spec->dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return log_errno(-errno, "%s: open '%s'", spec->where, spec->dir);
	owner = ARRAY_ADD(plan->owners, plan->nowners);
	*owner = (struct plan_owner){ .dir = spec->dir, .dirfd = fd };
	if (fstatat(fd, "config", &st, 0) < 0)
		return log_errno(-errno, "%s: look at '%s/config'", spec->where, spec->dir);
	owner->config = st.st_ino;
	return 0;
}

void plan_own(const struct plan *plan, const struct spec *spec, const char **ret_dir, int *ret_dirfd)
{
	*ret_dir = plan->dir;
	*ret_dirfd = plan->dirfd;
	for (size_t i = 0; spec->dir && i < plan->nowners; i++) {
		if (strcmp(plan->owners[i].dir, spec->dir) == 0) {
			*ret_dir = plan->owners[i].dir;
			*ret_dirfd = plan->owners[i].dirfd;
		}
	}
}

/* Let a type plan its spec. For that time, plan->dir is the directory of the spec's container, as types look up
 * relative sources there. Returns 0 or -errno (logged). */
static int plan_spec(struct plan *plan, const struct spec *spec)
{
	const struct bdev_type *type = bdev_check(spec);
	const char *dir = plan->dir;
	int dirfd = plan->dirfd, r = type ? 0 : -EMALFORMED;

	if (type && type->impossible && type->impossible())
		return spec_refuse(spec, -EOPNOTSUPP, "%s", type->impossible());
	if (r == 0 && spec->dir)
		r = open_owner(plan, spec);
	if (r < 0)
		return r;
	plan_own(plan, spec, &plan->dir, &plan->dirfd);
	r = type->plan(spec, plan);
	plan->dir = dir;
	plan->dirfd = dirfd;
	return r;
}

int plan_make(const struct stack *given, const struct plan_target *target, struct plan *plan)
{
	const struct stack *stack = &plan->stack;
	int r;

	plan->in_namespace = target->in_namespace;
	r = view_expand(given, &plan->stack);
	for (size_t i = 0; r == 0 && i < stack->n; i++)
		r = plan_spec(plan, &stack->specs[i]);
	if (r < 0)
		return r;
	r = check_whole(stack, plan);
	if (r == 0 && target->readonly && plan->roots[0].aufs)
		r = spec_refuse(
			plan->roots[0].spec, -EINVAL,
			"LXC mounts an overlay above it (lxc-copy -s and -e), and an overlay on an aufs crashes "
			"the kernel; use bdev.clone = link or lxc-bdev ephemeral");
	if (r < 0)
		return r;
	if (plan->roots[0].writes)
		plan_add_writer(plan, plan->roots[0].spec);
	plan->at = xstrdup(target->mount);
	plan->at_readonly = target->readonly;
	add_step(plan, PHASE_PRE_START,
		 xasprintf("attach it on '%s'%s%s", target->mount, target->readonly ? ", read-only" : "",
			   target->in_namespace ? ", visible only to the monitor and the container" : ""),
		 !target->in_namespace ? "lxc-bdev umount"
		 : plan_keeps(plan)    ? "post-stop, not at a reboot; the kernel with the monitor"
				       : "post-stop; the kernel with the monitor");
	return 0;
}

void plan_clear(struct plan *plan)
{
	for (size_t i = 0; i < plan->nsteps; i++) {
		free(plan->steps[i].text);
		free(plan->steps[i].data);
	}
	for (size_t i = 0; i < plan->ncovers; i++)
		free(plan->covers[i].dir);
	for (size_t i = 0; i < plan->nowners; i++)
		(void)close(plan->owners[i].dirfd);
	stack_clear(&plan->stack);
	free(plan->owners);
	free(plan->writers);
	free(plan->steps);
	free(plan->roots);
	free(plan->covers);
	free(plan->at);
	free(plan->delta);
	plan->delta = NULL;
	plan->at = NULL;
	plan->writer = NULL;
	plan->steps = NULL;
	plan->roots = NULL;
	plan->covers = NULL;
	plan->owners = NULL;
	plan->writers = NULL;
	plan->nsteps = plan->nroots = plan->ncovers = plan->nowners = plan->nwriters = 0;
}
