/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"
#include "base/log.h"
#include "config/config-file.h"
#include "config/container.h"
#include "config/rootfs-path.h"
#include "base/path.h"

#include <sys/stat.h>

static char dir[] = "/tmp/lxc-bdev-unit.XXXXXX";
static struct conf conf;

static void put(const char *name, const char *text)
{
	FILE *f = fopen(name, "we");

	CHECK(f && fputs(text, f) >= 0 && fclose(f) == 0);
}

static int read_text(const char *text)
{
	put("config", text);
	conf_clear(&conf);
	return conf_read("config", &conf);
}

static void keys_are_read_in_order_with_where_they_stand(void)
{
	CHECK(read_text("# c\nlxc.uts.name = x\n\n  bdev.rootfs = dir:/a\nbdev.rootfs=dir:/b,ro\n") == 0);
	CHECK(conf.stack.n == 2);
	CHECK_STRING("dir:/a", conf.stack.specs[0].text);
	CHECK_STRING("config:4: bdev.rootfs", conf.stack.specs[0].where);
	CHECK_STRING("dir:/b,ro", conf.stack.specs[1].text);
}

static void an_empty_value_clears_the_list(void)
{
	CHECK(read_text("bdev.rootfs = dir:/a\nbdev.rootfs =\nbdev.rootfs = dir:/b\n") == 0);
	CHECK(conf.stack.n == 1);
	CHECK_STRING("dir:/b", conf.stack.specs[0].text);
}

static void one_pair_of_quotes_is_taken_off(void)
{
	CHECK(read_text("bdev.rootfs = \"dir:/a b\"\nlxc.rootfs.path = 'dir:/r'\n") == 0);
	CHECK_STRING("dir:/a b", conf.stack.specs[0].text);
	CHECK_STRING("dir:/r", conf.rootfs_path);
}

static void the_last_line_needs_no_newline(void)
{
	CHECK(read_text("bdev.rootfs = dir:/a") == 0 && conf.stack.n == 1);
}

static void an_unknown_bdev_key_is_refused_and_others_are_not_ours(void)
{
	CHECK(read_text("bdev.rootf = dir:/a\n") == -EMALFORMED);
	CHECK(read_text("bdev.rootfs dir:/a\n") == -EMALFORMED);
	CHECK(read_text("lxc.unknown = 1\nnonsense\nfoo.bar = x\n") == 0);
}

static void includes_are_followed_where_they_stand(void)
{
	CHECK(mkdir("d", 0755) == 0);
	put("d/20.conf", "bdev.rootfs = dir:/d20\n");
	put("d/10.conf", "bdev.rootfs = dir:/d10\n");
	put("d/ignored", "bdev.rootfs = dir:/no\n");
	put("inc", "bdev.rootfs = dir:/inc\n");
	CHECK(read_text("bdev.rootfs = dir:/1\nlxc.include = inc\nlxc.include = d\nbdev.rootfs = dir:/2\n") == 0);
	CHECK(conf.stack.n == 5);
	if (conf.stack.n == 5) {
		CHECK_STRING("dir:/inc", conf.stack.specs[1].text);
		CHECK_STRING("inc:1: bdev.rootfs", conf.stack.specs[1].where);
		CHECK_STRING("dir:/d10", conf.stack.specs[2].text);
		CHECK_STRING("dir:/d20", conf.stack.specs[3].text);
		CHECK_STRING("dir:/2", conf.stack.specs[4].text);
	}
	CHECK(unlink("d/10.conf") == 0 && unlink("d/20.conf") == 0 && unlink("d/ignored") == 0 && rmdir("d") == 0);
	CHECK(unlink("inc") == 0);
}

static void an_include_of_itself_ends(void)
{
	CHECK(read_text("lxc.include = config\n") == -ELOOP);
	CHECK(read_text("lxc.include = absent\n") == -ENOENT);
}

static void the_monitor_unshares_unless_a_later_line_says_no(void)
{
	CHECK(read_text("lxc.monitor.unshare = 1\n") == 0 && conf.monitor_unshare);
	CHECK(read_text("lxc.monitor.unshare = 1\nlxc.monitor.unshare = 0\n") == 0 && !conf.monitor_unshare);
}

static void the_hook_is_known_by_its_script_wherever_that_is(void)
{
	CHECK(read_text("lxc.hook.pre-start = '/a b'/bdev-pre-start\n") == 0 && conf.hooks[HOOK_PRE_START].runs == 1);
	CHECK(read_text("lxc.hook.pre-start = env A=1 \"/etc/lxc/bdev-pre-start\" word\n") == 0 &&
	      conf.hooks[HOOK_PRE_START].runs == 1);
	CHECK(read_text("lxc.hook.pre-start = /usr/bin/other pre-start\n") == 0 &&
	      conf.hooks[HOOK_PRE_START].runs == 0);
	CHECK(read_text("lxc.hook.pre-start = /a/bdev-pre-start.old /a/my-bdev-pre-start /bdev-pre-start/x\n") == 0 &&
	      conf.hooks[HOOK_PRE_START].runs == 0);
	CHECK(read_text("lxc.hook.pre-start = /a/bdev-post-stop\n") == 0 && conf.hooks[HOOK_PRE_START].runs == 0);
}

#define OURS(hook) "lxc.hook." hook " = '/b'/bdev-" hook "\n"

static void hooks_are_counted_and_an_empty_value_removes_them(void)
{
	CHECK(read_text(OURS("clone") OURS("clone")) == 0 && conf.hooks[HOOK_CLONE].runs == 2);
	CHECK(!conf.hooks[HOOK_CLONE].cleared);
	CHECK(read_text(OURS("clone") "lxc.hook.clone =\n") == 0 && conf.hooks[HOOK_CLONE].runs == 0);
	CHECK(conf.hooks[HOOK_CLONE].cleared && conf_check_hooks(&conf) == -EINVAL);
	CHECK(read_text(OURS("clone") "lxc.hook.clone =\n" OURS("clone")) == 0 && conf.hooks[HOOK_CLONE].runs == 1);
	CHECK(conf_check_hooks(&conf) == 0);
	CHECK(read_text("lxc.hook.destroy =\n" OURS("destroy") "lxc.hook.mount =\n") == 0);
	CHECK(conf_check_hooks(&conf) == 0);
	CHECK(read_text(OURS("destroy") "lxc.hook =\n") == 0 && conf_check_hooks(&conf) == -EINVAL);
}

static void check_rootfs(const char *text, const char *path, bool overlay)
{
	struct rootfs rootfs = { 0 };

	CHECK(rootfs_parse(text, &rootfs) == 0);
	CHECK_STRING(path, rootfs.path);
	CHECK(!rootfs.upper == !overlay);
	rootfs_clear(&rootfs);
}

static void all_forms_of_a_rootfs_path_are_understood(void)
{
	struct rootfs rootfs;

	check_rootfs("/a/rootfs", "/a/rootfs", false);
	check_rootfs("dir:/a/rootfs", "/a/rootfs", false);
	check_rootfs("/a/rootfs:/b/delta", "/a/rootfs", true);
	check_rootfs("overlay:/a/rootfs:/b/delta", "/a/rootfs", true);
	check_rootfs("overlayfs:/a:/b:/c", "/a", true);
	check_rootfs("/a b/c:1/rootfs", "/a b/c:1/rootfs", false);
	CHECK(rootfs_parse("relative", &rootfs) == -EINVAL);
	CHECK(rootfs_parse("dir:relative", &rootfs) == -EINVAL);
}

static void check_absolute(const char *path, const char *wanted)
{
	_cleanup_free_ char *got = path_absolute("/base", path);

	CHECK_STRING(wanted, got);
}

static void paths_are_compared_by_whole_names(void)
{
	check_absolute("a//b/./c/", "/base/a/b/c");
	check_absolute(".", "/base");
	check_absolute("/", "/");
	CHECK_STRING("b", path_below("/a/b", "/a"));
	CHECK_STRING("", path_below("/a", "/a"));
	CHECK_STRING("a/b", path_below("/a/b", "/"));
	CHECK(!path_below("/ab", "/a") && !path_below("/a", "/a/b"));
}

int main(void)
{
	static const struct unit_test tests[] = {
		TEST(keys_are_read_in_order_with_where_they_stand),
		TEST(an_empty_value_clears_the_list),
		TEST(one_pair_of_quotes_is_taken_off),
		TEST(the_last_line_needs_no_newline),
		TEST(an_unknown_bdev_key_is_refused_and_others_are_not_ours),
		TEST(includes_are_followed_where_they_stand),
		TEST(an_include_of_itself_ends),
		TEST(the_monitor_unshares_unless_a_later_line_says_no),
		TEST(the_hook_is_known_by_its_script_wherever_that_is),
		TEST(hooks_are_counted_and_an_empty_value_removes_them),
		TEST(all_forms_of_a_rootfs_path_are_understood),
		TEST(paths_are_compared_by_whole_names),
	};
	int status;

	(void)!freopen("/dev/null", "w", stderr);
	if (!mkdtemp(dir) || chdir(dir) < 0)
		return 1;
	status = unit_run(tests, ARRAY_SIZE(tests));
	conf_clear(&conf);
	return unlink("config") < 0 || chdir("/") < 0 || rmdir(dir) < 0 || status;
}
