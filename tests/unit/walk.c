/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Walks through a tree that changes meanwhile, and removals of one. */
#include "unit.h"
#include "base/remove.h"
#include "base/walk.h"

#include <fcntl.h>
#include <sys/mount.h>

#define SHELL(command) CHECK(system(command) == 0)

/* Each test begins with a tree, and with what is outside of it and must stay as it is. */
static void begin(void)
{
	SHELL("rm -rf tree outside && mkdir -p tree/a/b/c tree/z outside/inner && echo x >tree/a/b/c/f && "
	      "echo secret >outside/file && echo secret >outside/inner/file");
}

static void check_outside(void)
{
	SHELL("test \"$(cat outside/file outside/inner/file | xargs)\" = 'secret secret'");
}

static char seen[1024];

static int see(struct walk *walk, const struct dirent64 *entry)
{
	_cleanup_free_ char *path = walk_path(walk, entry->d_name);

	(void)snprintf(seen + strlen(seen), sizeof(seen) - strlen(seen), "%s ", path);
	if (entry->d_type == DT_DIR)
		walk_later(walk, entry->d_name);
	return 0;
}

static int enter(struct walk *walk)
{
	return walk_entries(walk, see);
}

/* While the walk is in b, b leaves the tree. */
static int enter_and_move(struct walk *walk)
{
	if (strcmp(walk->here->name, "c") == 0)
		CHECK(rename("tree/a/b", "outside/b") == 0);
	return walk_entries(walk, see);
}

static int walk_now(int (*enter_it)(struct walk *walk))
{
	_cleanup_free_ struct walk *walk = xcalloc(1, sizeof(*walk));
	_cleanup_close_ int top = open("tree", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	*seen = '\0';
	walk->enter = enter_it;
	return walk_tree(walk, top);
}

static void a_walk_sees_all(void)
{
	begin();
	CHECK(walk_now(enter) == 0);
	CHECK(strstr(seen, "a/b/c/f ") && strstr(seen, "z "));
}

static void a_walk_ends_when_its_directory_is_moved_out(void)
{
	begin();
	CHECK(walk_now(enter_and_move) == -ESTALE);
	CHECK(!strstr(seen, "secret") && !strstr(seen, "inner"));
}

/* Under another name, beside an empty directory that has its own. */
static void move_out(int dirfd, const char *name)
{
	(void)dirfd;
	(void)name;
	CHECK(rename("tree/a/b", "outside/moved") == 0);
}

static void a_removal_of_what_is_moved_out_removes_nothing_outside(void)
{
	begin();
	SHELL("mkdir outside/b");
	CHECK(remove_tree(AT_FDCWD, "tree", move_out) == -ESTALE);
	check_outside();
	SHELL("test -d outside/b && test -d outside/moved && test -d tree");
}

static void a_removal_follows_no_symlink(void)
{
	begin();
	SHELL("ln -s ../outside tree/link && ln -s ../../outside tree/a/link");
	CHECK(remove_tree(AT_FDCWD, "tree", NULL) == 0);
	check_outside();
	SHELL("test ! -e tree && ln -s outside tree");
	CHECK(remove_tree(AT_FDCWD, "tree", NULL) < 0);
	check_outside();
	SHELL("rm tree");
}

static void a_removal_stops_at_a_mount(void)
{
	begin();
	CHECK(mount("outside", "tree/a/b", NULL, MS_BIND, NULL) == 0);
	CHECK(remove_tree(AT_FDCWD, "tree", NULL) == -EXDEV);
	check_outside();
	CHECK(umount2("tree/a/b", MNT_DETACH) == 0);
}

int main(void)
{
	static const struct unit_test tests[] = {
		TEST(a_walk_sees_all),
		TEST(a_walk_ends_when_its_directory_is_moved_out),
		TEST(a_removal_of_what_is_moved_out_removes_nothing_outside),
		TEST(a_removal_follows_no_symlink),
		TEST(a_removal_stops_at_a_mount),
	};

	return unit_run(tests, ARRAY_SIZE(tests));
}
