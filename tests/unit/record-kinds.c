/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The contract of the record kinds, over their table; in the run directory that tests/run has made for the tests. */
#include "unit.h"
#include "base/path.h"
#include "base/process.h"
#include "record-kinds/attachment.h"
#include "record-kinds/image.h"
#include "record-kinds/server.h"
#include "record-kinds/unfinished.h"
#include "record-kinds/volatile.h"
#include "kernel/mount.h"
#include "record/owner.h"
#include "record/release.h"
#include "record/undo.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

static struct journal journal;

static void begin(void)
{
	CHECK(journal_open("", "/target", true, &journal) == 0);
	CHECK(owner_begin(&journal, &(struct owner){ .name = "/target" }) == 0);
}

static bool is_end(const struct record_field *field)
{
	return field->type == FIELD_END;
}

/* Fields of the kind that name nothing that exists, in one allocation of its size. */
static void *made_up(const struct record_kind *kind)
{
	void *fields = xcalloc(1, kind->size);

	for (const struct record_field *field = kind->fields; !is_end(field); field++) {
		void *at = (char *)fields + field->offset;

		switch (field->type) {
		case FIELD_END:
			break;
		case FIELD_TEXT:
			*(char **)at = xstrdup("/nowhere/a\tb\nc\\d e");
			break;
		case FIELD_NUMBER:
			*(unsigned long long *)at = 18446744073709551615ULL;
			break;
		case FIELD_PROCESS:
			*(struct process *)at = (struct process){ .pid = 4194303, .start = 18446744073709551615ULL };
			break;
		case FIELD_FLAG:
			*(bool *)at = true;
			break;
		}
	}
	return fields;
}

static void clear(const struct record_kind *kind, void *fields)
{
	struct record record = { .kind = kind, .fields = fields };

	record_clear(&record);
}

static void each_kind_is_read_as_it_was_written(void)
{
	for (size_t i = 0; i < record_nkinds; i++) {
		const struct record_kind *kind = record_kinds[i];
		void *fields = made_up(kind);
		_cleanup_free_ char *line = record_encode(kind, 7, fields), *copy = xstrdup(line), *again = NULL;
		struct record record;

		CHECK(!strchr(line, '\n'));
		CHECK(record_decode(copy, &record) == 0);
		CHECK(record.kind == kind && record.step == 7);
		again = record_encode(record.kind, record.step, record.fields);
		CHECK_STRING(line, again);
		record_clear(&record);
		clear(kind, fields);
	}
}

static void each_kind_refuses_a_line_with_a_field_more_or_less(void)
{
	for (size_t i = 0; i < record_nkinds; i++) {
		const struct record_kind *kind = record_kinds[i];
		void *fields = made_up(kind);
		_cleanup_free_ char *line = record_encode(kind, 0, fields), *more = xasprintf("%s\tx", line);
		struct record record;

		CHECK(record_decode(more, &record) == -EBADMSG);
		record_clear(&record);
		*strrchr(line, '\t') = '\0';
		CHECK(record_decode(line, &record) == -EBADMSG);
		record_clear(&record);
		clear(kind, fields);
	}
}

static void each_kind_has_a_name_of_its_own(void)
{
	for (size_t i = 0; i < record_nkinds; i++) {
		CHECK(record_kind_find(record_kinds[i]->name) == record_kinds[i]);
		CHECK(!record_kinds[i]->undo == (record_kinds[i]->phase == UNDO_NOTHING));
		CHECK(record_kinds[i]->phase < UNDO_PHASES);
	}
}

/* Undo the last record by itself. */
static int undo_last(void)
{
	_cleanup_free_ struct undo_step *steps = xcalloc(journal.step + 1UL, sizeof(*steps));
	struct undo undo = { .journal = &journal, .steps = steps };
	const struct record *record = &journal.records[journal.n - 1];

	return record->kind->undo(&undo, record);
}

static void undoing_what_never_was_succeeds_twice(void)
{
	for (size_t i = 0; i < record_nkinds; i++) {
		const struct record_kind *kind = record_kinds[i];
		void *fields = made_up(kind);

		begin();
		CHECK(journal_add(&journal, kind, fields) == 0);
		CHECK(!kind->undo || undo_last() == 0);
		CHECK(!kind->undo || undo_last() == 0);
		CHECK(release(&journal) == 0);
		clear(kind, fields);
	}
}

static void what_never_was_is_not_alive(void)
{
	for (size_t i = 0; i < record_nkinds; i++) {
		const struct record_kind *kind = record_kinds[i];
		void *fields = made_up(kind);

		begin();
		CHECK(journal_add(&journal, kind, fields) == 0);
		CHECK(!kind->alive || kind->alive(&journal, journal.records[journal.n - 1].fields) == 0);
		journal_discard(&journal);
		clear(kind, fields);
	}
}

static void after_a_reboot_nothing_is_undone(void)
{
	_cleanup_free_ char *dir = NULL;
	char line[64];
	int fd;

	CHECK(mkdir("unfinished", 0755) == 0);
	dir = realpath("unfinished", NULL);
	begin();
	CHECK(unfinished_record(&journal, dir) == 0);
	fd = openat(journal.dirfd, "journal", O_RDWR | O_CLOEXEC);
	(void)snprintf(line, sizeof(line), "version\t2\t%.*s", 8, "rebooted");
	CHECK(pwrite(fd, line, strlen(line), 0) == (ssize_t)strlen(line));
	(void)close(fd);
	journal_close(&journal);
	CHECK(journal_open("", "/target", false, &journal) == 0);
	CHECK(journal.n == 0);
	CHECK(release(&journal) == 0);
	CHECK(rmdir("unfinished") == 0);
}

static void another_image_in_its_place_is_not_waited_for(void)
{
	_cleanup_close_ int old = open("image", O_RDWR | O_CREAT | O_CLOEXEC, 0600), locked = -EBADF;
	long long start;

	begin();
	CHECK(image_record(&journal, old, true) == 0);
	CHECK(rename("image", "image.old") == 0);
	locked = open("image", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	CHECK(flock(locked, LOCK_EX) == 0);
	CHECK(record_image.alive(&journal, journal.records[1].fields) == 0);
	start = process_clock();
	CHECK(release(&journal) == 0);
	CHECK(process_clock() - start < 2000); /* it would wait 5 s */
	CHECK(unlink("image") == 0 && unlink("image.old") == 0);
}

static void another_mount_in_its_place_stays(void)
{
	_cleanup_free_ char *at = NULL;
	_cleanup_close_ int mount_fd = -EBADF;
	struct fs fs;
	struct stat before, after;

	CHECK(mkdir("at", 0755) == 0);
	at = realpath("at", NULL);
	begin();
	CHECK(fs_open(&fs, "tmpfs") == 0);
	mount_fd = fs_mount(&fs, false);
	fs_close(&fs);
	CHECK(mount_fd >= 0 && attachment_make(&journal, mount_fd, at) == 0);
	CHECK(attachment_is_there(&journal) == 1);
	CHECK(umount2(at, MNT_DETACH) == 0 && mount("other", at, "tmpfs", 0, NULL) == 0);
	CHECK(attachment_is_there(&journal) == 0);
	CHECK(stat(at, &before) == 0);
	CHECK(release(&journal) == 0);
	CHECK(stat(at, &after) == 0 && before.st_dev == after.st_dev);
	CHECK(umount(at) == 0 && rmdir("at") == 0);
}

static void a_later_process_with_the_pid_of_a_server_is_not_ended(void)
{
	struct process process;
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		(void)pause();
		_exit(0);
	}
	CHECK(process_identify(pid, &process) == 0);
	process.start++;
	begin();
	CHECK(server_record(&journal, &process, "server") == 0);
	CHECK(server_lives(&journal, pid) == 0);
	CHECK(release(&journal) == 0);
	CHECK(waitpid(pid, &status, WNOHANG) == 0);
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, &status, 0);
}

static void a_server_that_does_not_end_by_itself_is_ended(void)
{
	struct process process;
	pid_t pid = fork();
	int status = 0;

	if (pid == 0) {
		(void)pause();
		_exit(0);
	}
	CHECK(process_identify(pid, &process) == 0);
	begin();
	CHECK(server_record(&journal, &process, "server") == 0);
	CHECK(server_lives(&journal, pid) == 1);
	CHECK(release(&journal) == 0);
	CHECK(waitpid(pid, &status, WNOHANG) == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
}

static void a_finished_container_stays(void)
{
	_cleanup_free_ char *dir = NULL;
	_cleanup_close_ int config = -EBADF;

	CHECK(mkdir("c", 0755) == 0 && mkdir("c/rootfs", 0755) == 0);
	dir = realpath("c", NULL);
	config = open("c/config", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	begin();
	CHECK(unfinished_record(&journal, dir) == 0);
	CHECK(release(&journal) == 0);
	CHECK(access("c/rootfs", F_OK) == 0);
	/* Without its config, it is an unfinished one. */
	CHECK(unlink("c/config") == 0);
	begin();
	CHECK(unfinished_record(&journal, dir) == 0);
	CHECK(release(&journal) == 0);
	CHECK(access("c", F_OK) < 0);
}

static void the_marker_of_another_work_directory_stays(void)
{
	_cleanup_close_ int work = -EBADF;

	CHECK(mkdir("w", 0755) == 0);
	work = open("w", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	begin();
	CHECK(volatile_record(&journal, work) == 0);
	CHECK(rename("w", "old") == 0 && mkdir("w", 0755) == 0 && mkdir("w/work", 0755) == 0);
	CHECK(mkdir("w/work/incompat", 0755) == 0 && mkdir("w/work/incompat/volatile", 0755) == 0);
	CHECK(release(&journal) == 0);
	CHECK(rmdir("w/work/incompat/volatile") == 0);
	CHECK(rmdir("w/work/incompat") == 0 && rmdir("w/work") == 0 && rmdir("w") == 0 && rmdir("old") == 0);
}

int main(void)
{
	static const struct unit_test tests[] = {
		TEST(each_kind_is_read_as_it_was_written),
		TEST(each_kind_refuses_a_line_with_a_field_more_or_less),
		TEST(each_kind_has_a_name_of_its_own),
		TEST(undoing_what_never_was_succeeds_twice),
		TEST(what_never_was_is_not_alive),
		TEST(after_a_reboot_nothing_is_undone),
		TEST(another_image_in_its_place_is_not_waited_for),
		TEST(another_mount_in_its_place_stays),
		TEST(a_later_process_with_the_pid_of_a_server_is_not_ended),
		TEST(a_server_that_does_not_end_by_itself_is_ended),
		TEST(a_finished_container_stays),
		TEST(the_marker_of_another_work_directory_stays),
	};

	(void)!freopen("/dev/null", "w", stderr);
	return unit_run(tests, ARRAY_SIZE(tests));
}
