#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# the oldest kernel that is promised: stacks, and nbd devices by ioctl.
# shellcheck source=tests/lib.sh disable=SC2034,SC2154
. "$(dirname -- "$0")/lib.sh"

SERIES=5.10
FILES='tests/guest/oldest_test.sh tests/guest/old_kernel_test.sh tests/stage_test.sh'
SOURCES=''
# shellcheck source=tests/guest/suite.sh
. "$ROOT/tests/guest/suite.sh"

# shellcheck source=/dev/null
. shunit2
