/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The two implementations of kernel/mount-table.h, which must not differ. */
#include "unit.h"
#include "kernel/mount-table.h"

/* This one is linked; the one with libmount is compiled here under another name. */
static int (*const own)(const char *, bool (*)(const struct mount_entry *, void *), void *) = mount_table_each;

int mount_table_by_libmount(const char *path, bool (*found)(const struct mount_entry *entry, void *arg), void *arg);
#define mount_table_each mount_table_by_libmount
#include "../../helper/kernel/mount-table-libmount.c"
#undef mount_table_each

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

struct list {
	char *text; /* a line for each entry */
	unsigned int n, last;
};

static bool add(const struct mount_entry *e, void *arg)
{
	struct list *list = arg;
	_cleanup_free_ char *before = list->text;

	list->text = xasprintf("%s%u %u:%u [%s] [%s] [%s] [%s] [%s]\n", before ?: "", e->id, major(e->dev),
			       minor(e->dev), e->root, e->target, e->type, e->source, e->options);
	return ++list->n == list->last;
}

/* Read the file by both up to the last-th entry (0: all). Returns what both gave; *ret_text, for the caller to free. */
static int read_both(const char *path, unsigned int last, char **ret_text)
{
	struct list a = { .last = last }, b = { .last = last };
	int r = own(path, add, &a), s = mount_table_by_libmount(path, add, &b);

	CHECK(r == s);
	if (r != s)
		printf("# own %d, libmount %d: %s\n", r, s, path);
	CHECK_STRING(a.text ?: "", b.text ?: "");
	*ret_text = a.text ?: xstrdup("");
	free(b.text);
	return r;
}

static int read_text(const char *text, size_t n, char **ret_text)
{
	_cleanup_close_ int fd = open("table", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	CHECK(fd >= 0 && write(fd, text, n) == (ssize_t)n);
	return read_both("table", 0, ret_text);
}

/* The text gives these entries, by both. */
static void check_gives(const char *text, const char *wanted)
{
	_cleanup_free_ char *got = NULL;

	CHECK(read_text(text, strlen(text), &got) == 0);
	CHECK_STRING(wanted, got);
}

/* Both refuse the text, and call back for none of it. */
static void check_refused(const char *text, size_t n)
{
	_cleanup_free_ char *got = NULL;
	int r = read_text(text, n, &got);

	CHECK(r == -EBADMSG);
	if (r != -EBADMSG)
		printf("# %d: %s\n", r, text);
	CHECK_STRING("", got);
}

#define GOOD "21 20 0:19 / /sys rw,nosuid shared:7 - sysfs sysfs rw\n"

static void the_table_of_this_process_is_the_same_by_both(void)
{
	_cleanup_free_ char *all = NULL, *first = NULL;

	CHECK(read_both(MOUNT_TABLE_OWN, 0, &all) == 0);
	CHECK(*all);
	CHECK(read_both(MOUNT_TABLE_OWN, 1, &first) == 1);
	CHECK(strncmp(all, first, strlen(first)) == 0 && strlen(first) < strlen(all));
}

static void escapes_are_undone_once_and_not_in_options(void)
{
	check_gives("5 1 8:17 /a\\040b\\134040 /t\\011\\012\\043 rw - ext4 /dev/x\\040y rw,u=/a\\054b\\072\\134c\n",
		    "5 8:17 [/a b\\040] [/t\t\n#] [ext4] [/dev/x y] [rw,u=/a\\054b\\072\\134c]\n");
	check_gives("5 1 8:17 /\\9 /\\04 rw - ext4 a\\ rw\\\n", "5 8:17 [/\\9] [/\\04] [ext4] [a\\] [rw\\]\n");
	check_gives("5 1 8:17 /a\tb /\"c\r#d rw - ext4 \xc3\xa4 a=\"b,c\rd\r\n",
		    "5 8:17 [/a\tb] [/\"c\r#d] [ext4] [\xc3\xa4] [a=\"b,c\rd\r]\n");
}

static void optional_fields_are_skipped_however_many_there_are(void)
{
	check_gives("5 1 0:5 / /a rw - t s o\n", "5 0:5 [/] [/a] [t] [s] [o]\n");
	check_gives("5 1 0:5 / /a rw shared:1 - t s o\n", "5 0:5 [/] [/a] [t] [s] [o]\n");
	check_gives("5 1 0:5 / /a rw shared:1 master:2 unbindable - t s o\n", "5 0:5 [/] [/a] [t] [s] [o]\n");
	check_gives("5 1 0:5 /- /-\\040- rw,- -- - - - -\n", "5 0:5 [/-] [/- -] [-] [-] [-]\n");
}

static void a_source_may_be_empty_and_is_not_resolved(void)
{
	check_gives("5 1 0:5 / /a rw - tmpfs  rw\n", "5 0:5 [/] [/a] [tmpfs] [] [rw]\n");
	check_gives("1 0 0:1 / / rw - rootfs /dev/root rw\n", "1 0:1 [/] [/] [rootfs] [/dev/root] [rw]\n");
	check_gives("5 1 0:5 / /a rw - t LABEL=x rw\n", "5 0:5 [/] [/a] [t] [LABEL=x] [rw]\n");
}

static void deleted_directories_stay_marked(void)
{
	check_gives("5 1 0:5 /a//deleted /b//deleted rw - t s o\n", "5 0:5 [/a//deleted] [/b//deleted] [t] [s] [o]\n");
}

static void an_empty_table_has_no_entries(void)
{
	check_gives("", "");
}

static void a_cut_last_line_is_refused(void)
{
	const char *cut = GOOD "22 20 0:20 / /proc rw - proc proc rw,hidepid=2";

	check_refused(cut, strlen(cut));
	/* Wherever it is cut. */
	for (size_t n = strlen(GOOD) + 1; n < strlen(cut); n++)
		check_refused(cut, n);
}

static void a_line_of_another_kind_is_refused_wherever_it_is(void)
{
	static const char *const garbage[] = {
		"\n",
		" \n",
		"# comment\n",
		"\t# comment\n",
		"garbage\n",
		"/dev/sda1 / ext4 rw 0 0\n",
		"Filename\tType\n",
		"x 20 0:19 / /sys rw - sysfs sysfs rw\n",
		"21x 20 0:19 / /sys rw - sysfs sysfs rw\n",
		"-21 20 0:19 / /sys rw - sysfs sysfs rw\n",
		"21 x 0:19 / /sys rw - sysfs sysfs rw\n",
		"21 20 019 / /sys rw - sysfs sysfs rw\n",
		"21 20 0:19 / /sys\n",
		"21 20 0:19 / /sys rw\n",
		"21 20 0:19 / /sys rw shared:1 sysfs sysfs rw\n",
		"21 20 0:19 / /sys rw -\n",
		"21 20 0:19 / /sys rw - sysfs\n",
		"21 20 0:19 / /sys rw - sysfs sysfs\n",
		"21 20 0:19 / /sys rw - sysfs sysfs \n",
	};

	for (size_t i = 0; i < ARRAY_SIZE(garbage); i++) {
		_cleanup_free_ char *before = xasprintf("%s" GOOD, garbage[i]),
				    *after = xasprintf(GOOD "%s", garbage[i]);

		check_refused(garbage[i], strlen(garbage[i]));
		check_refused(before, strlen(before));
		check_refused(after, strlen(after));
	}
	check_refused(GOOD "\0\n", sizeof(GOOD "\0\n") - 1);
	check_refused("21 20 0:19 / /s\0ys rw - sysfs sysfs rw\n",
		      sizeof("21 20 0:19 / /s\0ys rw - sysfs sysfs rw\n") - 1);
}

static void what_cannot_be_read_is_an_error(void)
{
	_cleanup_free_ char *a = NULL, *b = NULL;

	CHECK(read_both("no-such-table", 0, &a) == -ENOENT);
	CHECK(read_both(".", 0, &b) == -EISDIR);
}

static void long_tables_and_long_lines_are_read_whole(void)
{
	enum { LINES = 3000 };
	_cleanup_free_ char *text = xcalloc(LINES, 9000), *got = NULL, *line = NULL;
	char *end = text;
	size_t lines = 0;

	for (size_t i = 0; i < LINES; i++)
		end += sprintf(end, "%zu 1 0:5 / /a rw - overlay none rw,lowerdir=%0*d\n", i, i % 500 ? 10 : 8000, 1);
	CHECK(read_text(text, strlen(text), &got) == 0);
	for (const char *c = got; (c = strchr(c, '\n')); c++)
		lines++;
	CHECK(lines == LINES);
}

int main(void)
{
	static const struct unit_test tests[] = {
		TEST(the_table_of_this_process_is_the_same_by_both),
		TEST(escapes_are_undone_once_and_not_in_options),
		TEST(optional_fields_are_skipped_however_many_there_are),
		TEST(a_source_may_be_empty_and_is_not_resolved),
		TEST(deleted_directories_stay_marked),
		TEST(an_empty_table_has_no_entries),
		TEST(a_cut_last_line_is_refused),
		TEST(a_line_of_another_kind_is_refused_wherever_it_is),
		TEST(what_cannot_be_read_is_an_error),
		TEST(long_tables_and_long_lines_are_read_whole),
	};

	return unit_run(tests, ARRAY_SIZE(tests));
}
