/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The journal, in the run directory that tests/run has made for the tests. */
#include "unit.h"
#include "base/path.h"
#include "base/process.h"
#include "record-kinds/image.h"
#include "record-kinds/layer.h"
#include "record/owner.h"
#include "record/uses.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

static struct journal journal;

static void open_new(void)
{
	CHECK(journal_open("/lxc/c 1", "c 1", true, &journal) == 0);
	CHECK(owner_begin(&journal, &(struct owner){ .name = "c 1", .dir = "/lxc/c 1" }) == 0);
}

/* The key of the first record of a layer, as its claim has it; NULL: there is none. */
static const char *first_layer(void)
{
	const void *fields = journal_first(&journal, &record_layer);
	static struct claim claim;

	if (fields)
		record_layer.claim(fields, &claim);
	return fields ? claim.id : NULL;
}

static void a_record_comes_back_as_it_was(void)
{
	open_new();
	CHECK(layer_record(&journal, "a\tb\nc\\d") == 0);
	journal_close(&journal);
	CHECK(journal_open("/lxc/c 1", "c 1", false, &journal) == 0);
	CHECK_STRING("a\tb\nc\\d", first_layer());
	CHECK(journal.n == 2 && !journal_first(&journal, &record_image));
	CHECK_STRING("c 1", owner_of(&journal)->name);
	CHECK_STRING("/lxc/c 1", owner_of(&journal)->dir);
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
	CHECK(layer_record(&journal, "whole") == 0);
	CHECK(write(journal.fd, "aufs\t0\tsi_1", 11) == 11);
	journal_close(&journal);
	CHECK(journal_open("/lxc/c 1", "c 1", false, &journal) == 0);
	CHECK_STRING("whole", first_layer());
	CHECK(!journal_first(&journal, &record_aufs));
	journal_discard(&journal);
}

static char dir[256], path[300];

/* Write the journal's file anew, then open it. */
static int open_written(const char *text)
{
	int fd;

	open_new();
	(void)snprintf(dir, sizeof(dir), "%s", journal.dir);
	(void)snprintf(path, sizeof(path), "%s/journal", dir);
	fd = openat(journal.dirfd, "journal", O_WRONLY | O_TRUNC | O_CLOEXEC);
	CHECK(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	(void)close(fd);
	journal_close(&journal);
	return journal_open("/lxc/c 1", "c 1", false, &journal);
}

static void a_journal_of_another_boot_is_empty(void)
{
	CHECK(open_written("version\t2\tanother\nlayer\t0\tx\n") == 0);
	CHECK(journal.n == 0);
	journal_discard(&journal);
}

static void a_journal_of_another_version_is_empty(void)
{
	_cleanup_free_ char *first = xasprintf("version\t1\t%s\nlayer\t0\tx\n", process_boot_id());
	_cleanup_free_ char *before = xasprintf("boot\t%s\nlayer\tx\n", process_boot_id());

	CHECK(open_written(first) == 0);
	CHECK(journal.n == 0);
	journal_discard(&journal);
	CHECK(open_written(before) == 0);
	CHECK(journal.n == 0);
	journal_discard(&journal);
}

/* What cannot be understood may be a user of something. */
static void a_record_that_cannot_be_read_is_an_error(void)
{
	static const char *const lines[] = {
		"unheard\t0\tx",       "layer\t0",	    "layer\t0\tx\ty",	 "layer\tx\ty", "",
		"image\t0\ta\tb\tyes", "loop\t0\tn\t-1\ti", "server\t0\t1\tx\tn"
	};

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		_cleanup_free_ char *text = xasprintf("version\t2\t%s\n%s\n", process_boot_id(), lines[i]),
				    *user = NULL;

		CHECK(open_written(text) == -EBADMSG);
		CHECK(uses_container("/lxc/other", CLAIM_VIEW, NULL, &user) == -EBADMSG);
		CHECK(strncmp(user, "an unknown user: cannot read ", 29) == 0);
		CHECK(unlink(path) == 0 && rmdir(dir) == 0);
	}
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
	process_sleep(100);
	start = process_clock();
	journal_close(&journal);
	{
		int status = 1;

		CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0);
	}
	CHECK(process_clock() - start < 5000); /* it gives up after 10 s */
	CHECK(journal_open("/lxc/c 1", "c 1", false, &journal) == 0);
	journal_discard(&journal);
}

static void the_holder_of_an_image_is_found(void)
{
	struct claim claim = { .object = CLAIM_IMAGE, .mode = CLAIM_WRITE };
	_cleanup_close_ int image = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	_cleanup_free_ char *holder = NULL, *none = NULL, *inode = path_inode(image);

	open_new();
	CHECK(image_record(&journal, image, true) == 0);
	claim.id = inode;
	CHECK(uses_who(&claim, false, NULL, &holder) == 1);
	CHECK_STRING("container 'c 1'", holder);
	claim.mode = CLAIM_READ;
	CHECK(uses_who(&claim, false, NULL, &none) == 0 && !none);
	claim.mode = CLAIM_WRITE;
	CHECK(uses_who(&claim, false, journal.dir, &none) == 0 && !none);
	claim.id = "8:1-78";
	CHECK(uses_who(&claim, false, NULL, &none) == 0 && !none);
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
		TEST(a_journal_of_another_version_is_empty),
		TEST(a_record_that_cannot_be_read_is_an_error),
		TEST(a_second_opener_waits_for_the_lock),
		TEST(the_holder_of_an_image_is_found),
		TEST(a_run_directory_that_others_can_write_is_refused),
	};

	(void)!freopen("/dev/null", "w", stderr);
	return unit_run(tests, ARRAY_SIZE(tests));
}
