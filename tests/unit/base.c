/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The small readers of base/: numbers, options, hashes, processes. */
#include "unit.h"
#include "base/bytes.h"
#include "base/number.h"
#include "base/path.h"
#include "base/process.h"
#include "base/running-kernel.h"
#include "base/text.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/wait.h>

static int parse(const char *text, const char *units, uint64_t max, uint64_t wanted)
{
	uint64_t n = 77;
	int r = number_parse(text, units, max, &n);

	CHECK(n == (r == 0 ? wanted : 77));
	return r;
}

static void a_number_may_have_one_unit_of_those_that_are_allowed(void)
{
	CHECK(parse("0", "", 0, 0) == 0);
	CHECK(parse("512", NUMBER_UNITS, 512, 512) == 0);
	CHECK(parse("1k", NUMBER_UNITS, UINT64_MAX, 1024) == 0);
	CHECK(parse("3M", NUMBER_UNITS, UINT64_MAX, 3U << 20) == 0);
	CHECK(parse("2t", NUMBER_UNITS, UINT64_MAX, UINT64_C(2) << 40) == 0);
	CHECK(parse("2t", "KMG", UINT64_MAX, 0) == -EINVAL);
	CHECK(parse("1k", "", UINT64_MAX, 0) == -EINVAL);
}

static void what_is_no_number_is_refused(void)
{
	static const char *const bad[] = { "",	  " 1",	 "+1",	"-1",	"x",  "k",  "1 ",
					   "1kk", "1k ", "1.5", "0x10", "1%", "1e3" };

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		CHECK(parse(bad[i], NUMBER_UNITS, UINT64_MAX, 0) == -EINVAL);
}

static void a_number_above_the_limit_is_refused_and_does_not_wrap(void)
{
	CHECK(parse("18446744073709551615", "", UINT64_MAX, UINT64_MAX) == 0);
	CHECK(parse("18446744073709551616", "", UINT64_MAX, 0) == -ERANGE);
	CHECK(parse("18446744073709551616k", "K", UINT64_MAX, 0) == -ERANGE);
	CHECK(parse("16777216t", NUMBER_UNITS, UINT64_MAX, 0) == -ERANGE);
	CHECK(parse("16777215t", NUMBER_UNITS, UINT64_MAX, UINT64_C(16777215) << 40) == 0);
	CHECK(parse("2k", NUMBER_UNITS, 2047, 0) == -ERANGE);
	CHECK(parse("2k", NUMBER_UNITS, 2048, 2048) == 0);
}

static void an_option_is_found_by_its_exact_name(void)
{
	const char *options = "rw,xlower=1,lower,lowerdir=/a\"b,upperdir=/c";

	CHECK_STRING("/a\"b,upperdir=/c", text_option(options, "lowerdir"));
	CHECK_STRING("/c", text_option(options, "upperdir"));
	CHECK(!text_option(options, "lower") && !text_option(options, "dir") && !text_option(options, "rw"));
	CHECK(!text_option("", "rw"));
}

static void only_octal_escapes_are_undone(void)
{
	char text[] = "a\\040b\\134040\\09x\\", blank[] = "\\040";

	CHECK_STRING("a b\\040\\09x\\", text_unescape(text));
	CHECK_STRING(" ", text_unescape(blank));
}

static void the_hash_is_fnv1a(void)
{
	CHECK(fnv1a(FNV1A_START, "", 0) == UINT64_C(0xcbf29ce484222325));
	CHECK(fnv1a(FNV1A_START, "a", 1) == UINT64_C(0xaf63dc4c8601ec8c));
	CHECK(fnv1a(fnv1a(FNV1A_START, "foo", 3), "bar", 3) == UINT64_C(0x85944171f73967e8));
}

static void a_line_is_found_in_a_file_and_a_missing_file_is_an_error(void)
{
	CHECK(text_has("/proc/filesystems", "\tproc\n") == 1);
	CHECK(text_has("/proc/filesystems", "\tno-such\n") == 0);
	CHECK(text_has("/no-such", "x") == -ENOENT);
	CHECK(text_has("/proc", "x") == -EISDIR);
	CHECK(kernel_has_module("no-such-module") == 0);
}

static void a_zombie_has_a_parent_and_does_not_run(void)
{
	struct process self, other;
	siginfo_t info;
	pid_t child = fork();

	if (child == 0)
		_exit(0);
	CHECK(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT) == 0);
	CHECK(process_parent(child) == getpid());
	CHECK(process_identify(child, &other) == -ESRCH);
	CHECK(process_identify(getpid(), &self) == 0 && process_alive(&self) == 1);
	self.start++;
	CHECK(process_alive(&self) == 0);
	CHECK(waitpid(child, NULL, 0) == child);
	CHECK(process_parent(child) == 0 && process_parent(-1) == 0);
}

static void a_file_is_created_below_its_directory_alone(void)
{
	_cleanup_close_ int here = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), fd = -EBADF;
	struct stat st;

	(void)umask(022);
	(void)unlink("created");
	fd = path_create(here, "created", O_WRONLY | O_CREAT | O_EXCL, 0640, RESOLVE_BENEATH);
	CHECK(fd >= 0 && fstat(fd, &st) == 0 && (st.st_mode & 07777) == 0640);
	CHECK(fcntl(fd, F_GETFD) == FD_CLOEXEC);
	CHECK(path_create(here, "../created", O_WRONLY | O_CREAT, 0640, RESOLVE_BENEATH) == -EXDEV);
}

int main(void)
{
	static const struct unit_test tests[] = {
		TEST(a_number_may_have_one_unit_of_those_that_are_allowed),
		TEST(what_is_no_number_is_refused),
		TEST(a_number_above_the_limit_is_refused_and_does_not_wrap),
		TEST(an_option_is_found_by_its_exact_name),
		TEST(only_octal_escapes_are_undone),
		TEST(the_hash_is_fnv1a),
		TEST(a_line_is_found_in_a_file_and_a_missing_file_is_an_error),
		TEST(a_zombie_has_a_parent_and_does_not_run),
		TEST(a_file_is_created_below_its_directory_alone),
	};

	return unit_run(tests, ARRAY_SIZE(tests));
}
