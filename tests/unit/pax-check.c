/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tars of all forms that tar(1) writes, followed from header to header. */
#include "unit.h"
#include "tar/pax-check.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define SHELL(command) CHECK(system(command) == 0)

/* Feed the file `t` in parts of n bytes (0: of random sizes). */
static int feed(struct paxcheck *pax, size_t n)
{
	_cleanup_close_ int fd = open("t", O_RDONLY | O_CLOEXEC);
	struct stat st = { 0 };
	const char *tar;
	int r = 0;

	*pax = (struct paxcheck){ 0 };
	CHECK(fstat(fd, &st) == 0);
	tar = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	CHECK(tar != MAP_FAILED);
	for (size_t at = 0, size = (size_t)st.st_size, part; r == 0 && at < size; at += part) {
		part = n ?: 1 + (size_t)random() % 3000;
		part = part < size - at ? part : size - at;
		r = paxcheck_feed(pax, tar + at, part);
	}
	CHECK(munmap((void *)tar, (size_t)st.st_size) == 0);
	return r;
}

static void every_tar_of_tar_is_followed_to_its_end(void)
{
	static const char *const forms[] = { "gnu -S", "oldgnu -S", "pax -S", "ustar" };

	SHELL("rm -rf d && mkdir -p d/e && echo 1 >d/f && ln d/f d/g && ln -s f d/s && mkfifo d/p && touch d/empty && "
	      "truncate -s 1M d/holes && for i in 1 3 5 7 9 11 13 15 17 19 21 23 25 27 29 31 33 35 37 39 41 43 45 47 49; do "
	      "printf x | dd of=d/holes bs=1 seek=$((i * 16384)) conv=notrunc status=none; done");
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		_cleanup_free_ char *make = xasprintf("tar --format=%s -cf t d", forms[i]);
		struct paxcheck pax;

		SHELL(make);
		for (size_t n = 0; n < 1025; n += 41) {
			CHECK(feed(&pax, n) == 0);
			CHECK(!pax.lost && !pax.have && !pax.skip && !pax.records && !pax.extended);
			paxcheck_free(&pax);
		}
	}
}

static void a_long_name_is_followed_in_every_form(void)
{
	static const char *const forms[] = { "gnu", "pax" };
	struct paxcheck pax;

	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		_cleanup_free_ char *make =
			xasprintf("rm -rf d && mkdir -p d && cd d && n=$(printf '%%0200d' 0) && mkdir -p $n/$n && "
				  "touch $n/$n/$n && ln -s $n/$n/$n s && cd .. && tar --format=%s -cf t d",
				  forms[i]);

		SHELL(make);
		CHECK(feed(&pax, 0) == 0);
		CHECK(!pax.lost && !pax.have && !pax.skip && !pax.records);
		paxcheck_free(&pax);
	}
}

static void a_record_is_found_wherever_the_input_is_cut(void)
{
	struct paxcheck pax;

	SHELL("rm -rf d && mkdir d && echo 1 >d/f && "
	      "tar --format=pax --pax-option=mtime:=soon --owner=long$(printf '%0600d' 0):7 -cf t d");
	for (size_t n = 1; n < 1100; n += 7) {
		CHECK(feed(&pax, n) == -EINVAL);
		CHECK_STRING("a pax record 'mtime=soon': it is no number", pax.why);
		paxcheck_free(&pax);
	}
}

static void what_is_no_tar_is_left_to_others(void)
{
	struct paxcheck pax;

	SHELL("head -c 100000 /dev/urandom >t");
	CHECK(feed(&pax, 0) == 0);
	CHECK(pax.lost);
	paxcheck_free(&pax);
	SHELL("head -c 100000 /dev/zero >t");
	CHECK(feed(&pax, 0) == 0);
	CHECK(!pax.lost);
	paxcheck_free(&pax);
}

int main(void)
{
	static const struct unit_test tests[] = {
		TEST(every_tar_of_tar_is_followed_to_its_end),
		TEST(a_long_name_is_followed_in_every_form),
		TEST(a_record_is_found_wherever_the_input_is_cut),
		TEST(what_is_no_tar_is_left_to_others),
	};

	return unit_run(tests, ARRAY_SIZE(tests));
}
