/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * unit - a unit test program is a table of functions named after the promise
 * they check. Each prints "ok NAME" or "not ok NAME".
 */
#pragma once

#include "base/cleanup.h"

#include <stdbool.h>

static bool unit_failed;

/* Go on after a failure: the rest of the test may say more. */
#define CHECK(condition)                                                                    \
	do {                                                                                \
		if (!(condition)) {                                                         \
			unit_failed = true;                                                 \
			printf("# %s:%d: not so: %s\n", __FILE__, __LINE__, #condition);    \
		}                                                                           \
	} while (0)

#define CHECK_STRING(wanted, got)                                                           \
	do {                                                                                \
		const char *wanted_ = (wanted), *got_ = (got);                              \
		if (!got_ || strcmp(wanted_, got_) != 0) {                                  \
			unit_failed = true;                                                 \
			printf("# %s:%d: wanted '%s', got '%s'\n", __FILE__, __LINE__, wanted_, \
			       got_ ?: "(null)");                                           \
		}                                                                           \
	} while (0)

struct unit_test {
	const char *name;
	void (*run)(void);
};

#define TEST(name) { #name, name }

static inline int unit_run(const struct unit_test *tests, size_t n)
{
	int status = 0;

	for (size_t i = 0; i < n; i++) {
		unit_failed = false;
		tests[i].run();
		printf("%s %s\n", unit_failed ? "not ok" : "ok", tests[i].name);
		(void)fflush(stdout);
		status |= unit_failed;
	}
	return status;
}
