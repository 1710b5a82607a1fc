/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whiteouts and opaque directories, as they are written. */
#include "unit.h"
#include "delta/aufs-names.h"
#include "delta/delta.h"
#include "delta/write.h"

#include <fcntl.h>
#include <sys/stat.h>

#define SHELL(command) CHECK(system(command) == 0)
#define MANY	       65100 /* more than ext4 gives names to a file */

/* aufs's whiteouts are names of one file, as long as it can have more. */
static void there_may_be_more_whiteouts_than_a_file_has_names(void)
{
	const struct delta delta = { .format = DELTA_AUFS };
	_cleanup_close_ int top = -EBADF;
	int r = 0;

	SHELL("rm -rf top && mkdir top");
	top = open("top", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (int i = 0; r == 0 && i < MANY; i++) {
		char name[16];

		(void)snprintf(name, sizeof(name), "n%d", i);
		r = write_whiteout(&delta, top, top, name);
	}
	CHECK(r == 0);
	CHECK(faccessat(top, ".wh.n65099", F_OK, 0) == 0 && faccessat(top, ".wh..wh.aufs", F_OK, 0) == 0);
	SHELL("test $(ls -A top | grep -c '^[.]wh[.]n') = 65100 && rm -rf top");
}

static void a_whiteout_whose_name_is_too_long_for_aufs_is_refused(void)
{
	const struct delta delta = { .format = DELTA_AUFS };
	_cleanup_close_ int top = -EBADF;
	char name[256] = "";

	SHELL("rm -rf top && mkdir top");
	top = open("top", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	memset(name, 'n', AUFS_MAX);
	CHECK(write_whiteout(&delta, top, top, name) == 0);
	memset(name, 'n', AUFS_MAX + 1);
	CHECK(write_whiteout(&delta, top, top, name) == -ENAMETOOLONG);
	SHELL("rm -rf top");
}

int main(void)
{
	static const struct unit_test tests[] = {
		TEST(there_may_be_more_whiteouts_than_a_file_has_names),
		TEST(a_whiteout_whose_name_is_too_long_for_aufs_is_refused),
	};

	(void)umask(022);
	return unit_run(tests, ARRAY_SIZE(tests));
}
