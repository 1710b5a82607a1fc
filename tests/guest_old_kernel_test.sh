#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# what stacks need of an old kernel.
# shellcheck source=tests/lib.sh disable=SC2034,SC2154
. "$(dirname -- "$0")/lib.sh"

SERIES=6.1
FILES='tests/guest/old_kernel_test.sh tests/stage_test.sh'
# shellcheck source=tests/guest/suite.sh
. "$ROOT/tests/guest/suite.sh"

# shellcheck source=/dev/null
. shunit2
