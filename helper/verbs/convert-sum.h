/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "../delta/check.h"
#include "convert-report.h"

/*
 * Report what a conversion has done, or with dry_run would do. dir: the delta; or, when it was copied, the copy. Both
 * are the current subject.
 */
void convert_report_sum(struct convert_report *report, const struct convert *convert, const char *dir, bool dry_run,
			bool copied);

/* Report the whiteout format of the current subject, a delta, and how many entries of each kind it has. */
void convert_report_check(struct convert_report *report, const struct check *check, const char *dir);
