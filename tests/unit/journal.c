/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The journal, in the run directory that tests/run has made for the tests. */
#include "unit.h"
#include "record/journal.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

static struct journal journal;

static void open_new(void)
{
	CHECK(journal_open("/lxc/c 1", "c 1", true, &journal) == 0);
	CHECK(journal_begin(&journal, "/lxc/c 1", "c 1", NULL) == 0);
}

static void a_record_comes_back_as_it_was(void)
{
	open_new();
	CHECK(journal_add(&journal, "x", "a\tb\nc\\d", "", "e", NULL) == 0);
	journal_close(&journal);
	CHECK(journal_open("/lxc/c 1", "c 1", false, &journal) == 0);
	CHECK_STRING("a\tb\nc\\d", journal_get(&journal, "x", 0));
	CHECK_STRING("", journal_get(&journal, "x", 1));
	CHECK_STRING("e", journal_get(&journal, "x", 2));
	CHECK(!journal_get(&journal, "x", 3) && !journal_get(&journal, "y", 0));
	CHECK_STRING("c 1", journal_get(&journal, "container", 0));
	journal_discard(&journal);
	CHECK(journal_open("/lxc/c 1", "c 1", false, &journal) == -ENOENT);
}

static void one_name_in_two_places_is_two_journals(void)
{
	struct journal other;

	open_new();
	CHECK(journal_open("/lxc/c 2", "c 1", true, &other) == 0);
	CHECK(strcmp(journal.dir, other.dir) != 0 && other.n == 0);
	journal_discard(&other);
	journal_discard(&journal);
}

static void a_line_cut_short_does_not_count(void)
{
	open_new();
	CHECK(journal_add(&journal, "x", "whole", NULL) == 0);
	CHECK(write(journal.fd, "at\t/some", 8) == 8);
	journal_close(&journal);
	CHECK(journal_open("/lxc/c 1", "c 1", false, &journal) == 0);
	CHECK_STRING("whole", journal_get(&journal, "x", 0));
	CHECK(!journal_get(&journal, "at", 0));
	journal_discard(&journal);
}

static void a_journal_of_another_boot_is_empty(void)
{
	int fd;

	open_new();
	fd = openat(journal.dirfd, "journal", O_WRONLY | O_TRUNC | O_CLOEXEC);
	CHECK(write(fd, "boot\tanother\nat\t/x\t1@0:1\n", 25) == 25);
	(void)close(fd);
	journal_close(&journal);
	CHECK(journal_open("/lxc/c 1", "c 1", false, &journal) == 0);
	CHECK(journal.n == 0);
	journal_discard(&journal);
}

static void a_second_opener_waits_for_the_lock(void)
{
	long long start;
	pid_t pid;

	open_new();
	pid = fork();
	if (pid == 0) {
		struct journal mine;

		/* The parent's description, and so its lock, came along with the fork. */
		(void)close(journal.dirfd);
		_exit(journal_open("/lxc/c 1", "c 1", true, &mine) == 0 && mine.n > 0 ? 0 : 1);
	}
	proc_sleep(100);
	start = proc_now();
	journal_close(&journal);
	{
		int status = 1;

		CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0);
	}
	CHECK(proc_now() - start < 5000); /* it gives up after 10 s */
	CHECK(journal_open("/lxc/c 1", "c 1", false, &journal) == 0);
	journal_discard(&journal);
}

static void the_holder_of_an_image_is_found(void)
{
	_cleanup_free_ char *holder = NULL;

	open_new();
	CHECK(journal_add(&journal, "image", "8:1-77", "/a.img", "rw", NULL) == 0);
	holder = journal_find_holder("image", "8:1-77", NULL);
	CHECK_STRING("container 'c 1'", holder);
	CHECK(!journal_find_holder("image", "8:1-78", NULL));
	CHECK(!journal_find_holder("image", "8:1-77", journal.dir));
	journal_discard(&journal);
}

static void a_run_directory_that_others_can_write_is_refused(void)
{
	CHECK(chmod(RUN_DIR, 0770) == 0);
	CHECK(journal_open("/lxc/c 1", "c 1", true, &journal) == -EPERM);
	CHECK(chmod(RUN_DIR, 0700) == 0);
}

int main(void)
{
	static const struct unit_test tests[] = {
		TEST(a_record_comes_back_as_it_was),
		TEST(one_name_in_two_places_is_two_journals),
		TEST(a_line_cut_short_does_not_count),
		TEST(a_journal_of_another_boot_is_empty),
		TEST(a_second_opener_waits_for_the_lock),
		TEST(the_holder_of_an_image_is_found),
		TEST(a_run_directory_that_others_can_write_is_refused),
	};

	(void)!freopen("/dev/null", "w", stderr);
	return unit_run(tests, ARRAY_SIZE(tests));
}
