/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * build - carry out a plan.
 *
 * Until the caller attaches the finished stack, each part is a detached mount
 * that only a descriptor holds. So there is no rollback: on failure or SIGKILL
 * the descriptors close, and the kernel unmounts all of it.
 */
#include "build.h"
#include "../record-kinds/step.h"
#include "../uses/claim.h"
#include "../base/cleanup.h"
#include "../config/container.h"
#include "../base/log.h"

#include <fcntl.h>
#include <sys/stat.h>

static int add(struct build *build, int *mount, int **list, size_t *n, char **ret_path)
{
	int r = stage_hold(&build->stage, *mount, ret_path);

	if (r < 0)
		return log_errno(r, "attach a layer in the stage");
	*(int *)array_grow(list, n, sizeof(**list)) = TAKE_FD(*mount);
	return 0;
}

int build_add_root(struct build *build, int *mount, char **ret_path)
{
	return add(build, mount, &build->roots, &build->nroots, ret_path);
}

int build_add_cover(struct build *build, int *mount)
{
	return add(build, mount, &build->covers, &build->ncovers, NULL);
}

static int enter(struct build *build, const char *scratch)
{
	int r;

	if (stage_needed() || build->plan->staged) {
		if (mkdirat(build->journal->dirfd, "stage", 0700) < 0 && errno != EEXIST)
			return log_errno(-errno, "make '%s'", scratch);
		r = stage_enter(&build->stage, scratch);
		if (r < 0)
			return log_errno(r, "enter a private mount namespace");
	}
	return 0;
}

/* Open the directory of the relative sources. In the stage it is opened once more, as layers must be reached through
 * the stage's own mounts. Returns 0 or -errno (logged). */
static int enter_dir(struct build *build, const char *dir)
{
	if (build->dir && strcmp(build->dir, dir) == 0)
		return 0;
	cleanup_close(&build->dirfd);
	build->dir = dir;
	build->dirfd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return build->dirfd < 0 ? log_errno(-errno, "open '%s'", dir) : 0;
}

/* Record and build one step, in the directory of its spec's container. Returns 0 or -errno (logged). */
static int build_step(struct build *build, const struct plan *plan, const struct step *step)
{
	struct plan own = *plan;
	int r = step_begin(build->journal, step->spec->text, step->spec->dir); /* dir: of a view's container */

	plan_own(plan, step->spec, &own.dir, &own.dirfd);
	if (r == 0)
		r = enter_dir(build, own.dir);
	build->plan = &own;
	if (r == 0)
		r = step->build(step, build);
	build->plan = plan;
	return r;
}

/* Detach the finished stack from the stage, if there is one. Returns its fd or -errno (logged). */
static int leave(struct build *build, int root)
{
	_cleanup_close_ int detached = -EBADF;
	int r;

	if (build->stage.host < 0) {
		r = fcntl(root, F_DUPFD_CLOEXEC, 0);
		return r < 0 ? log_errno(-errno, "hand over the stack") : r;
	}
	detached = mount_clone(root, true);
	if (detached < 0)
		return log_errno(detached, "detach the stack from the stage");
	r = stage_leave(&build->stage);
	return r < 0 ? log_errno(r, "leave the private mount namespace") : TAKE_FD(detached);
}

/* Refuse a container that is being converted, or was since the plan was made. Our record prevents new conversions.
 * Returns 0 or -errno (logged). */
static int check_config(const struct plan_owner *owner)
{
	bool converting = faccessat(owner->dirfd, CONTAINER_CONVERTING, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
	struct stat st;

	if (!converting && errno != ENOENT)
		return log_errno(-errno, "look for '%s/%s'", owner->dir, CONTAINER_CONVERTING);
	if (!converting && fstatat(owner->dirfd, "config", &st, 0) < 0)
		return log_errno(-errno, "look at '%s/config'", owner->dir);
	if (!converting && st.st_ino == owner->config)
		return 0;
	return log_refuse(-EAGAIN, "'%s': its config has changed since the plan was made; try again", owner->dir);
}

/*
 * A view and a writer of the same container exclude each other. Each first records itself, then looks for the other, so
 * at least one of two concurrent starts sees the conflict and refuses. Returns 0 or -errno (logged).
 */
static int claim_containers(const struct plan *plan, struct journal *journal)
{
	_cleanup_free_ char *reader = NULL;
	int r = 0;

	for (size_t i = 0; r == 0 && i < plan->nowners; i++) {
		_cleanup_free_ char *writer = NULL;
		const char *dir = plan->owners[i].dir;

		r = uses_claim_container(journal, dir, CLAIM_VIEW, &writer);
		if (writer)
			return log_refuse(-EBUSY,
					  "cannot use a view of '%s': %s runs and writes to it; stop that first", dir,
					  writer);
		if (r == 0)
			r = check_config(&plan->owners[i]);
	}
	if (r < 0 || !plan->writer)
		return r;
	r = uses_claim_container(journal, plan->dir, CLAIM_WRITE, &reader);
	/* A mount on the host is not a run of the container. */
	if (reader && plan->in_namespace)
		return spec_refuse(plan->writer, -EBUSY, "cannot write to it: %s depends on it", reader);
	return reader ? 0 : r;
}

int build_stack(const struct plan *plan, struct journal *journal, int wait_ms)
{
	struct build build = {
		.plan = plan,
		.journal = journal,
		.wait_ms = wait_ms,
		.dirfd = -EBADF,
		.stage.host = -EBADF,
	};
	/* The stage uses this path until it ends. */
	_cleanup_free_ char *scratch = xasprintf("%s/stage", journal->dir);
	int r = claim_containers(plan, journal) ?: enter(&build, scratch);

	for (size_t i = 0; r == 0 && i < plan->nsteps; i++)
		if (plan->steps[i].build)
			r = build_step(&build, plan, &plan->steps[i]);
	if (r == 0)
		r = build.nroots == 1 ? leave(&build, build.roots[0]) : log_errno(-EINVAL, "build the stack");

	if (build.stage.host >= 0)
		(void)stage_leave(&build.stage);
	for (size_t i = 0; i < build.nroots; i++)
		(void)close(build.roots[i]);
	for (size_t i = 0; i < build.ncovers; i++)
		(void)close(build.covers[i]);
	cleanup_close(&build.dirfd);
	free(build.roots);
	free(build.covers);
	return r;
}

int build_claim_lower(struct build *build, const struct spec *spec, int dir, const char *source)
{
	_cleanup_free_ char *what = xasprintf("'%s'", source);
	const struct uses_directory claim = {
		.spec = spec,
		.role = DIRECTORY_LOWER,
		.dir = dir,
		.dirfd = build->dirfd,
		.source = source,
		.what = what,
		.wait_ms = build->wait_ms,
	};

	return uses_claim_directory(&claim, build->journal, NULL);
}
