/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit.h"
#include "qemu/policy.h"

static void a_scheme_alone_allows_all_of_it(void)
{
	CHECK(policy_uri_matches("nbd:", "nbd://h/a"));
	CHECK(policy_uri_matches("NBD:", "nbd://h:1"));
	CHECK(policy_uri_matches("nbd://", "nbd://h:1/a"));
	CHECK(policy_uri_matches("rbd:", "rbd:pool/image"));
	CHECK(policy_uri_matches("nbd+unix:", "nbd+unix:///x?socket=/run/x"));
	CHECK(!policy_uri_matches("nbd:", "nbd+unix:///x?socket=/run/x"));
	CHECK(!policy_uri_matches("http:", "https://h/a"));
	CHECK(!policy_uri_matches("nb:", "nbd://h/a"));
}

static void hosts_are_compared_whole_and_in_any_case(void)
{
	CHECK(policy_uri_matches("nbd://10.0.0.5", "nbd://10.0.0.5/a"));
	CHECK(policy_uri_matches("nbd://10.0.0.5/", "nbd://10.0.0.5"));
	CHECK(policy_uri_matches("Nbd://Web1/a", "nbd://wEB1/a"));
	CHECK(!policy_uri_matches("nbd://10.0.0.5", "nbd://10.0.0.50/a"));
	CHECK(!policy_uri_matches("nbd://10.0.0.50", "nbd://10.0.0.5/a"));
	CHECK(!policy_uri_matches("nbd://web1", "nbd://web10"));
	CHECK(!policy_uri_matches("http://web1", "http://web1.evil.example/a"));
	CHECK(!policy_uri_matches("http:///a", "http://web1/a"));
	CHECK(policy_uri_matches("nbd://[fe80::1]", "nbd://[FE80::1]/a"));
	CHECK(policy_uri_matches("nbd://[fe80::1]:10809", "nbd://[fe80::1]/a"));
	CHECK(!policy_uri_matches("nbd://[fe80::1]", "nbd://[fe80::1]x/a"));
	CHECK(!policy_uri_matches("nbd://[fe80::1]", "nbd://[fe80::11]/a"));
	CHECK(!policy_uri_matches("http://h", "http:h"));
}

static void a_missing_port_is_that_of_the_scheme(void)
{
	static const char *const defaults[] = { "nbd://h:10809", "http://h:80", "https://h:443", "ftp://h:21",
						"ftps://h:990",	 "ssh://h:22",	"sftp://h:22" };

	for (size_t i = 0; i < ARRAY_SIZE(defaults); i++) {
		_cleanup_free_ char *without = xstrdup(defaults[i]), *other = xasprintf("%s0", defaults[i]);

		*strrchr(without, ':') = '\0';
		CHECK(policy_uri_matches(without, defaults[i]));
		CHECK(policy_uri_matches(defaults[i], without));
		CHECK(!policy_uri_matches(without, other));
	}
	CHECK(!policy_uri_matches("nbd://h:1", "nbd://h:10"));
	CHECK(!policy_uri_matches("nbd://h:1", "nbd://h"));
	CHECK(policy_uri_matches("nbd://h:010809", "nbd://h"));
	CHECK(!policy_uri_matches("nbd://h:1", "nbd://h:1x"));
	CHECK(!policy_uri_matches("nbd://h:1", "nbd://h:99999999999999999999"));
}

static void paths_are_compared_by_whole_components(void)
{
	CHECK(policy_uri_matches("nbd://h/a", "nbd://h/a"));
	CHECK(policy_uri_matches("http://h/a", "http://h/a/b.img"));
	CHECK(policy_uri_matches("http://h/a/", "http://h/a/b.img"));
	CHECK(policy_uri_matches("http://h/a", "http://h/a?x=/b"));
	CHECK(!policy_uri_matches("nbd://h/a", "nbd://h/ab"));
	CHECK(!policy_uri_matches("nbd://h/a/", "nbd://h/ab"));
	CHECK(!policy_uri_matches("nbd://h/a", "nbd://h"));
	CHECK(!policy_uri_matches("nbd://h/a", "nbd://h/A"));
	CHECK(!policy_uri_matches("http://h/a", "http://h//a"));
	CHECK(!policy_uri_matches("http://h/a?x=1", "http://h/a?x=2"));
	CHECK(policy_uri_matches("http://h/a?x=1", "http://h/a?x=1"));
	CHECK(!policy_uri_matches("http://h/a?x=1", "http://h/a"));
	CHECK(policy_uri_matches("rbd:pool", "rbd:pool/image"));
	CHECK(policy_uri_matches("rbd:pool/", "rbd:pool/image"));
	CHECK(policy_uri_matches("rbd:pool/image", "rbd:pool/image"));
	CHECK(!policy_uri_matches("rbd:pool", "rbd:pool2/image"));
	CHECK(!policy_uri_matches("rbd:pool/image", "rbd:pool/image2"));
}

static void a_unix_socket_is_allowed_as_a_whole(void)
{
	CHECK(policy_uri_matches("nbd+unix:///x?socket=/run/x", "nbd+unix:///x?socket=/run/x"));
	CHECK(policy_uri_matches("NBD+unix:///x?socket=/run/x", "nbd+unix:///x?socket=/run/x"));
	CHECK(!policy_uri_matches("nbd+unix:///x?socket=/run/x", "nbd+unix:///x?socket=/run/xy"));
	CHECK(!policy_uri_matches("nbd+unix:///x", "nbd+unix:///x?socket=/run/x"));
	CHECK(!policy_uri_matches("nbd+unix:///?socket=/run/x", "nbd+unix:///x?socket=/run/x"));
}

static void what_could_lead_elsewhere_is_refused(void)
{
	static const char *const bad[] = { "http://h/a/../b",
					   "http://h/..",
					   "http://h/a/%2e%2e/b",
					   "http://h/a/.%2E/b",
					   "http://h/a/%2E./b",
					   "http://h/a%2f..%2fb",
					   "http://h/a/..;x/b",
					   "http://h/a\\..\\b",
					   "rbd:pool/../pool2/image",
					   "rbd:..",
					   "http://u@h/a",
					   "http://u:p@h/a",
					   "http://h#@evil/a",
					   "http://h?@evil/a",
					   "http://h\\@evil/a",
					   "http://h:x/a",
					   "http://[::1/a",
					   "h/a",
					   ":a",
					   "" };

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		CHECK(policy_uri_fault(bad[i]));
		CHECK(!policy_uri_matches("http:", bad[i]) && !policy_uri_matches("rbd:", bad[i]));
		CHECK(!policy_uri_matches(bad[i], bad[i]));
	}
	CHECK(!policy_uri_fault("http://h/a..b/...?x=../.."));
	CHECK(!policy_uri_fault("http://h/x@y"));
	CHECK(!policy_uri_fault("http://h/%"));
}

int main(void)
{
	static const struct unit_test tests[] = {
		TEST(a_scheme_alone_allows_all_of_it),	    TEST(hosts_are_compared_whole_and_in_any_case),
		TEST(a_missing_port_is_that_of_the_scheme), TEST(paths_are_compared_by_whole_components),
		TEST(a_unix_socket_is_allowed_as_a_whole),  TEST(what_could_lead_elsewhere_is_refused),
	};

	return unit_run(tests, ARRAY_SIZE(tests));
}
