/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The planner on stacks of directories: what it makes of them, and that it only reads. */
#include "unit.h"
#include "stack/plan.h"

#include <fcntl.h>
#include <sys/stat.h>

static char dir[] = "/tmp/lxc-bdev-unit.XXXXXX";
static struct stack stack;
static struct plan plan;

/* Plan these specs, up to a NULL, in `dir`. */
static int make(bool in_namespace, const char *const *specs)
{
	struct plan_target target = { .in_namespace = in_namespace, .mount = "/target" };

	plan_clear(&plan);
	stack_clear(&stack);
	for (; *specs; specs++)
		if (spec_add(&stack, *specs, "T") < 0)
			return -EINVAL;
	return plan_make(&stack, &target, &plan);
}

#define MAKE(...)	       make(false, (const char *const[]){ __VA_ARGS__, NULL })
#define MAKE_IN_NAMESPACE(...) make(true, (const char *const[]){ __VA_ARGS__, NULL })

static void each_spec_is_one_step_lowest_first(void)
{
	CHECK(MAKE("dir:a", "tmpfs:.", "overlay:up") == 0);
	CHECK(plan.nsteps == 4);
	CHECK(plan.steps[0].spec == &plan.stack.specs[0] && plan.steps[1].spec == &plan.stack.specs[1]);
	CHECK(plan.steps[2].spec == &plan.stack.specs[2] && !plan.steps[3].spec);
	CHECK_STRING("/target", plan.at);
}

static void who_undoes_the_last_step_is_said(void)
{
	CHECK(MAKE("dir:a") == 0 && plan.nsteps == 2);
	CHECK_STRING("lxc-bdev umount", plan.steps[1].undo);
	CHECK(MAKE_IN_NAMESPACE("dir:a") == 0);
	CHECK(strncmp(plan.steps[1].undo, "post-stop;", 10) == 0);
	CHECK(MAKE_IN_NAMESPACE("dir:a", "tmpfs:.", "overlay:up") == 0);
	CHECK(strstr(plan.steps[3].undo, "not at a reboot"));
}

static void a_root_hidden_by_another_is_refused(void)
{
	CHECK(MAKE("dir:a", "dir:b") == -EINVAL);
	CHECK(MAKE("dir:a", "dir:b", "overlay:up") == 0);
}

static void a_stack_without_a_root_is_refused(void)
{
	CHECK(MAKE("tmpfs:.") == -EINVAL);
	CHECK(MAKE("overlay:up") == -EINVAL);
}

static void a_tmpfs_that_nothing_uses_is_refused(void)
{
	CHECK(MAKE("dir:a", "tmpfs:.") == -EINVAL);
	CHECK(MAKE("dir:a", "tmpfs:b", "overlay:up") == -EINVAL);
	CHECK(MAKE("dir:a", "tmpfs:b", "overlay:b/up") == 0);
}

static void the_third_stacking_file_system_is_refused(void)
{
	CHECK(MAKE("dir:a", "overlay:up", "overlay:up2") == 0);
	CHECK(MAKE("dir:a", "overlay:up", "overlay:up2", "overlay:up3") == -EINVAL);
}

static void only_what_outlives_the_run_is_a_writer(void)
{
	CHECK(MAKE("dir:a") == 0 && plan.writer == &plan.stack.specs[0]);
	CHECK(MAKE("dir:a,ro") == 0 && !plan.writer);
	CHECK(MAKE("dir:a", "overlay:up") == 0 && plan.writer == &plan.stack.specs[1]);
	CHECK(MAKE("dir:a", "tmpfs:.", "overlay:up") == 0 && !plan.writer);
}

static void keep_holds_for_the_whole_stack(void)
{
	CHECK(MAKE("dir:a", "tmpfs:.", "overlay:up") == 0 && plan_keeps(&plan));
	CHECK(MAKE("dir:a", "tmpfs:.,keep=no", "overlay:up") == 0 && !plan_keeps(&plan));
	CHECK(MAKE("dir:a", "overlay:up") == 0 && !plan_keeps(&plan));
	CHECK(MAKE("dir:a", "tmpfs:.", "overlay:up", "tmpfs:b,keep=no", "overlay:b/up") == -EINVAL);
}

static void a_relative_path_cannot_leave_the_directory(void)
{
	CHECK(MAKE("dir:../..") == -EXDEV);
	CHECK(MAKE("dir:out") == -EXDEV);
	CHECK(MAKE("dir:a", "overlay:../up") == -EXDEV);
	CHECK(MAKE("dir:a", "overlay:out/up") == -EXDEV);
}

static void planning_makes_no_directory(void)
{
	struct stat st;

	CHECK(MAKE("dir:a", "overlay:new") == 0);
	CHECK(fstatat(plan.dirfd, "new", &st, 0) < 0 && fstatat(plan.dirfd, "new.work", &st, 0) < 0);
}

int main(void)
{
	static const struct unit_test tests[] = {
		TEST(each_spec_is_one_step_lowest_first),	  TEST(who_undoes_the_last_step_is_said),
		TEST(a_root_hidden_by_another_is_refused),	  TEST(a_stack_without_a_root_is_refused),
		TEST(a_tmpfs_that_nothing_uses_is_refused),	  TEST(the_third_stacking_file_system_is_refused),
		TEST(only_what_outlives_the_run_is_a_writer),	  TEST(keep_holds_for_the_whole_stack),
		TEST(a_relative_path_cannot_leave_the_directory), TEST(planning_makes_no_directory),
	};
	int status;

	(void)!freopen("/dev/null", "w", stderr);
	if (!mkdtemp(dir) || chdir(dir) < 0 || mkdir("a", 0755) < 0 || mkdir("b", 0755) < 0 ||
	    symlink("/etc", "out") < 0)
		return 1;
	plan.dir = dir;
	plan.dirfd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	status = unit_run(tests, ARRAY_SIZE(tests));
	plan_clear(&plan);
	stack_clear(&stack);
	(void)close(plan.dirfd);
	return rmdir("a") < 0 || rmdir("b") < 0 || unlink("out") < 0 || chdir("/") < 0 || rmdir(dir) < 0 || status;
}
