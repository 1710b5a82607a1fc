/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"
#include "base/log.h"
#include "config/spec.h"

static struct stack stack;

/* Parse one, alone in the stack; NULL: refused. */
static const struct spec *parse(const char *text)
{
	stack_clear(&stack);
	return spec_add(&stack, text, "T") == 0 ? &stack.specs[0] : NULL;
}

static void type_source_and_options_are_separated(void)
{
	const struct spec *s = parse("loop:/srv/a.img:2,ro,fstype=ext4,discard");

	CHECK(s);
	if (!s)
		return;
	CHECK_STRING("loop", s->type);
	CHECK(s->nsources == 2);
	CHECK_STRING("/srv/a.img", s->sources[0]);
	CHECK_STRING("2", s->sources[1]);
	CHECK(s->readonly);
	CHECK(s->noptions == 2);
	CHECK_STRING("ext4", spec_option(s, "fstype")->value);
	CHECK(spec_option(s, "discard") && !spec_option(s, "discard")->value);
	CHECK(!spec_option(s, "disc"));
}

static void escapes_make_separators_ordinary(void)
{
	const struct spec *s = parse("overlay:/a\\:b:/c\\,d:/e\\\\f,work=/g\\,h\\ i");

	CHECK(s && s->nsources == 3);
	if (!s)
		return;
	CHECK_STRING("/a:b", s->sources[0]);
	CHECK_STRING("/c,d", s->sources[1]);
	CHECK_STRING("/e\\f", s->sources[2]);
	CHECK_STRING("/g,h i", spec_option(s, "work")->value);
}

static void a_colon_or_equals_in_a_value_is_ordinary(void)
{
	const struct spec *s = parse("overlay:up,work=/a:b=c");

	CHECK(s);
	if (s)
		CHECK_STRING("/a:b=c", spec_option(s, "work")->value);
}

static void what_is_not_a_spec_is_refused(void)
{
	static const char *const bad[] = {
		"",	     ":",	    "loop",	   "loop:",	     ":/x",	     "loop,ro",
		"loop:/x,",  "loop:/x,,ro", "loop:/x,=3",  "loop:a::b",	     "overlay::up",  "loop:/x:",
		"dir:/a\\",  "dir:/a\\b",   "dir:/x,ro=1", "dir:/x,a=1,a=2", "dir:/x,ro,ro", "dir:/x\r",
		"dir:/a\tb", "dir:/a\x7f",  "di\\r:/x",
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		if (parse(bad[i])) {
			printf("# accepted: '%s'\n", bad[i]);
			CHECK(false);
		}
	}
}

static void a_spec_too_long_is_refused(void)
{
	_cleanup_free_ char *text = xcalloc(70001, 1);

	memset(text, 'x', 70000);
	memcpy(text, "dir:/", 5);
	CHECK(!parse(text));
}

static void bytes_take_units_of_1024(void)
{
	uint64_t n = 7;

	CHECK(spec_bytes(parse("x:y"), "size", &n) == 0 && n == 7);
	CHECK(spec_bytes(parse("x:y,size=512"), "size", &n) == 0 && n == 512);
	CHECK(spec_bytes(parse("x:y,size=4k"), "size", &n) == 0 && n == 4096);
	CHECK(spec_bytes(parse("x:y,size=3M"), "size", &n) == 0 && n == 3ULL << 20);
	CHECK(spec_bytes(parse("x:y,size=2G"), "size", &n) == 0 && n == 2ULL << 30);
	CHECK(spec_bytes(parse("x:y,size=1T"), "size", &n) == 0 && n == 1ULL << 40);
}

static void bytes_out_of_range_or_of_no_unit_are_refused(void)
{
	static const char *const bad[] = {
		"x:y,size=-1",	 "x:y,size=",	  "x:y,size",		"x:y,size=1X", "x:y,size=1MB",
		"x:y,size=0x10", "x:y,size=1.5G", "x:y,size=99999999T", "x:y,size= 1", "x:y,size=99999999999999999999"
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		const struct spec *s = parse(bad[i]);
		uint64_t n = 7;

		CHECK(s && spec_bytes(s, "size", &n) == -EMALFORMED && n == 7);
	}
}

int main(void)
{
	static const struct unit_test tests[] = {
		TEST(type_source_and_options_are_separated),
		TEST(escapes_make_separators_ordinary),
		TEST(a_colon_or_equals_in_a_value_is_ordinary),
		TEST(what_is_not_a_spec_is_refused),
		TEST(a_spec_too_long_is_refused),
		TEST(bytes_take_units_of_1024),
		TEST(bytes_out_of_range_or_of_no_unit_are_refused),
	};
	int status;

	(void)!freopen("/dev/null", "w", stderr);
	status = unit_run(tests, ARRAY_SIZE(tests));
	stack_clear(&stack);
	return status;
}
