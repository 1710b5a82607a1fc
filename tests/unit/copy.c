/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copies of awkward trees and files, compared with what they were made from. */
#include "unit.h"
#include "base/copy.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#define SHELL(command) CHECK(system(command) == 0)

static struct copy copy;

/* Each test begins with an empty tree a, and an empty directory b with attributes of its own. */
static void begin(void)
{
	SHELL("rm -rf a b && mkdir a && mkdir -m 2777 b && chown 7:7 b && setfacl -d -m u:99:rwx b");
	memset(&copy, 0, sizeof(copy));
}

static int copy_now(void)
{
	_cleanup_close_ int from = open("a", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_close_ int to = open("b", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return copy_tree(from, to, &copy);
}

static int copy_one(const char *from, const char *to)
{
	_cleanup_close_ int in = open(from, O_RDONLY | O_CLOEXEC);
	_cleanup_close_ int out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	return copy_file(in, out, &copy);
}

/* All that stat(1) knows of each file, save its inode number and ctime. */
#define LOOK(tree, out)                                                       \
	SHELL("cd " tree " && find . ! -type d -print0 | LC_ALL=C sort -z | " \
	      "xargs -0 stat -c '%n %F %t:%T %a %u:%g %h %s %x %y' >../" out)

static void everything_of_a_tree_is_copied(void)
{
	static const char capability[20] = { 0x01, 0, 0, 0x02, 0, 0x20 };
	char name[NAME_MAX + 1];

	begin();
	memset(name, 'n', NAME_MAX);
	name[NAME_MAX] = '\0';
	SHELL("cd a && echo text >file && : >empty && head -c 300000 /dev/urandom >large && mkdir -p d/e f && "
	      "echo x >d/e/x && chown 12:34 d/e/x && chmod 6711 d/e/x && chmod 1777 f && chown 5:6 f && "
	      "printf '%s\\n' new >\"$(printf 'two\\nlines')\" && echo raw >\"$(printf 'not\\377utf8')\" && "
	      "ln -s /etc/passwd out && ln -s nowhere dangling && chown -h 8:9 dangling && ln -s ../.. up && "
	      "mkfifo -m 0640 d/fifo && mknod d/whiteout c 0 0 && mknod d/block b 259 12345");
	CHECK(chdir("a") == 0 && mknod(name, S_IFREG | 0600, 0) == 0 && chdir("..") == 0);
	CHECK(mknod("a/sock", S_IFSOCK | 0755, 0) == 0);
	CHECK(setxattr("a/large", "security.capability", capability, sizeof(capability), 0) == 0);
	CHECK(chown("a/empty", 42, 43) == 0);
	CHECK(setxattr("a/empty", "security.capability", capability, sizeof(capability), 0) == 0);
	CHECK(setxattr("a/file", "user.note", "some\0thing", 10, 0) == 0);
	CHECK(setxattr("a/file", "user.none", "", 0, 0) == 0);
	CHECK(setxattr("a/d", "trusted.overlay.opaque", "y", 1, 0) == 0);
	CHECK(setxattr("a", "trusted.overlay.impure", "y", 1, 0) == 0);
	CHECK(lsetxattr("a/out", "trusted.link", "of the link", 11, 0) == 0);
	CHECK(lsetxattr("a/d/whiteout", "trusted.of", "x", 1, 0) == 0);
	SHELL("setfacl -m u:1000:rx,g:77:rw a/file && setfacl -m u:1:rwx -d -m u:2:r a/f && chown 3:4 a && chmod 2751 a");
	SHELL("cd a && touch -h -m -d '2001-02-03 04:05:06.123456789' file d/e d/fifo dangling && touch -d @7.5 d && "
	      "touch -a -d '1960-01-01 00:00:00.000000001' large && touch -d '1999-09-09' .");
	/* Looked at before: to read a symlink changes when it was last read, and so does the search of a directory. */
	LOOK("a", "a.look");
	CHECK(copy_now() == 0);
	LOOK("b", "b.look");
	SHELL("cmp a.look b.look");
	SHELL("look() { cd $1 && find . -type d -printf '%p %m %U:%G %T@\\n' | LC_ALL=C sort; }; "
	      "(look a) >a.look && (look b) >b.look && cmp a.look b.look");
	SHELL("look() { cd $1 && find . -print0 | LC_ALL=C sort -z | xargs -0 getfattr -h -d -m - -e hex --; }; "
	      "(look a) >a.look && (look b) >b.look && cmp a.look b.look && [ \"$(grep -ac trusted.link b.look)\" = 1 ] && "
	      "[ \"$(grep -ac security.capability b.look)\" = 2 ]");
	SHELL("cd a && find . -type f -exec cmp {} ../b/{} \\;");
	SHELL("[ $(find a -mindepth 1 -printf x | wc -c) = $(find b -mindepth 1 -printf x | wc -c) ]");
	SHELL("[ \"$(readlink b/out)\" = /etc/passwd ] && [ \"$(stat -c %t:%T:%F b/d/whiteout)\" = '0:0:character special file' ]");
	CHECK(copy.files > 15 && copy.bytes > 300000);
}

static void links_within_the_tree_stay_links(void)
{
	struct stat one, two;

	begin();
	SHELL("cd a && mkdir -p x/y z && echo 1 >x/y/one && ln x/y/one z/two && ln x/y/one x/y/three && ln z/two four && "
	      "mknod z/w c 0 0 && ln z/w x/w && ln z/w w && echo 2 >../outside && ln ../outside in && ln -s q s && ln s z/s");
	CHECK(copy_now() == 0);
	CHECK(stat("b/x/y/one", &one) == 0 && stat("b/z/two", &two) == 0 && one.st_ino == two.st_ino);
	CHECK(one.st_nlink == 4);
	CHECK(stat("b/four", &two) == 0 && one.st_ino == two.st_ino);
	CHECK(stat("b/w", &one) == 0 && one.st_nlink == 3 && S_ISCHR(one.st_mode) && one.st_rdev == 0);
	CHECK(lstat("b/s", &one) == 0 && one.st_nlink == 2 && S_ISLNK(one.st_mode));
	CHECK(stat("b/in", &one) == 0 && one.st_nlink == 1);
}

static void holes_stay_holes(void)
{
	struct stat one, two;

	begin();
	SHELL("cd a && truncate -s 1G image && printf start | dd of=image conv=notrunc status=none && "
	      "dd if=/dev/urandom of=image bs=1M seek=700 count=9 conv=notrunc status=none && truncate -s 5M none");
	CHECK(copy_now() == 0);
	CHECK(stat("a/image", &one) == 0 && stat("b/image", &two) == 0);
	CHECK(one.st_size == two.st_size && two.st_blocks <= one.st_blocks && two.st_blocks < 24 << 11);
	CHECK(stat("b/none", &two) == 0 && two.st_size == 5 << 20 && two.st_blocks == 0);
	SHELL("cmp a/image b/image");
	memset(&copy, 0, sizeof(copy));
	CHECK(copy_one("a/image", "b/again") == 0);
	CHECK(stat("b/again", &two) == 0 && two.st_size == one.st_size && two.st_blocks <= one.st_blocks);
	CHECK(copy.files == 1 && copy.bytes < 10 << 20);
	SHELL("cmp a/image b/again");
}

static void nothing_but_a_file_is_copied_as_one(void)
{
	begin();
	SHELL("mkdir a/d");
	CHECK(copy_one("a/d", "b/d") == -EINVAL);
}

/* Far deeper than a path can be long, with few descriptors; a link from the depth to the top. */
static void a_deep_tree_is_copied(void)
{
	enum { DEPTH = 2000 };
	static const char name[] = "a directory of this name in each";
	struct rlimit few, limit;
	int at, depth = 0;

	begin();
	CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
	few = limit;
	few.rlim_cur = 32;
	at = open("a", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (; depth < DEPTH; depth++) {
		int next;

		CHECK(mkdirat(at, name, 0711) == 0);
		next = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		(void)close(at);
		at = next;
	}
	CHECK(mknodat(at, "deepest", S_IFREG | 0644, 0) == 0 && linkat(at, "deepest", at, "too", 0) == 0);
	CHECK(mkdirat(at, "x", 0700) == 0 && mkdirat(at, "y", 0700) == 0);
	CHECK(linkat(at, "deepest", at, "x/l", 0) == 0 && linkat(at, "deepest", at, "y/l", 0) == 0);
	(void)close(at);
	CHECK(setrlimit(RLIMIT_NOFILE, &few) == 0);
	CHECK(copy_now() == 0);
	CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
	at = open("b", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (depth = 0; at >= 0 && depth < DEPTH; depth++) {
		int next = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		(void)close(at);
		at = next;
	}
	{
		struct stat st = { 0 };

		CHECK(fstatat(at, "deepest", &st, 0) == 0 && st.st_nlink == 4);
		CHECK(fstat(at, &st) == 0 && (st.st_mode & 07777) == 0711);
	}
	(void)close(at);
}

static void a_mount_below_is_refused(void)
{
	begin();
	SHELL("mkdir -p a/d/m && : >a/d/f");
	CHECK(mount("none", "a/d/m", "tmpfs", 0, NULL) == 0);
	CHECK(copy_now() == -EXDEV);
	CHECK_STRING("d/m", copy.error);
	CHECK(umount2("a/d/m", MNT_DETACH) == 0);
	/* One of the same file system, too. */
	begin();
	SHELL("mkdir a/d && : >a/d/f && : >other");
	CHECK(mount("other", "a/d/f", NULL, MS_BIND, NULL) == 0);
	CHECK(copy_now() == -EXDEV);
	CHECK_STRING("d/f", copy.error);
	CHECK(umount2("a/d/f", MNT_DETACH) == 0);
	begin();
	SHELL("rmdir b && mkdir a/b && ln -s a/b b");
	CHECK(copy_now() == -ELOOP);
	CHECK_STRING("b", copy.error);
}

static void a_full_target_names_the_file(void)
{
	begin();
	SHELL("mkdir a/d && head -c 3000000 /dev/zero >a/d/big && truncate -s 1G a/hole");
	CHECK(mount("none", "b", "tmpfs", 0, "size=1m") == 0);
	CHECK(copy_now() == -ENOSPC);
	CHECK_STRING("d/big", copy.error);
	CHECK(copy_one("a/d/big", "b/other") == -ENOSPC);
	CHECK(umount2("b", MNT_DETACH) == 0);
}

/* ramfs has no extended attributes. */
static void an_attribute_that_would_be_lost_is_an_error(void)
{
	begin();
	SHELL("echo x >a/f");
	CHECK(mount("none", "b", "ramfs", 0, NULL) == 0);
	CHECK(copy_now() == 0);
	CHECK(umount2("b", MNT_DETACH) == 0);
	SHELL("setfattr -n user.x -v y a/f");
	CHECK(mount("none", "b", "ramfs", 0, NULL) == 0);
	CHECK(copy_now() == -EOPNOTSUPP);
	CHECK_STRING("f", copy.error);
	CHECK(umount2("b", MNT_DETACH) == 0);
}

static volatile bool swapping;

static void *swap(void *arg)
{
	while (swapping) {
		(void)renameat2(AT_FDCWD, "a/file", AT_FDCWD, "a.fifo", RENAME_EXCHANGE);
		(void)renameat2(AT_FDCWD, "a/dir", AT_FDCWD, "a.link", RENAME_EXCHANGE);
	}
	return arg;
}

/* A file that becomes a fifo, a directory that becomes a symlink out of the tree: any answer, but none of these. */
static void a_tree_that_changes_leads_nowhere(void)
{
	pthread_t thread;

	SHELL("rm -rf a.fifo a.link secret && mkfifo a.fifo && mkdir secret && echo s >secret/secret && ln -s ../secret a.link");
	begin();
	SHELL("mkdir a/dir && echo own >a/dir/own && echo text >a/file");
	swapping = true;
	CHECK(pthread_create(&thread, NULL, swap, NULL) == 0);
	(void)alarm(60); /* a fifo that is opened hangs */
	for (int i = 0; i < 100; i++) {
		SHELL("rm -rf b && mkdir b");
		(void)copy_now();
		CHECK(access("b/dir/secret", F_OK) < 0 || readlink("b/dir", (char[8]){ 0 }, 8) > 0);
	}
	(void)alarm(0);
	swapping = false;
	CHECK(pthread_join(thread, NULL) == 0);
}

int main(void)
{
	static const struct unit_test tests[] = {
		TEST(everything_of_a_tree_is_copied),
		TEST(links_within_the_tree_stay_links),
		TEST(holes_stay_holes),
		TEST(nothing_but_a_file_is_copied_as_one),
		TEST(a_deep_tree_is_copied),
		TEST(a_mount_below_is_refused),
		TEST(a_full_target_names_the_file),
		TEST(an_attribute_that_would_be_lost_is_an_error),
		TEST(a_tree_that_changes_leads_nowhere),
	};
	_cleanup_free_ char *dir = xasprintf("%s/copy.XXXXXX", getenv("TMPDIR") ?: "/var/tmp");
	int status;

	if (!mkdtemp(dir) || chdir(dir) < 0)
		return 1;
	status = unit_run(tests, ARRAY_SIZE(tests));
	CHECK(chdir("/") == 0);
	{
		_cleanup_free_ char *command = xasprintf("rm -rf --one-file-system -- '%s'", dir);

		SHELL(command);
	}
	return status;
}
