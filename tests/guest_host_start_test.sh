#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# a complete LXC host: all types below AppArmor, nesting.
# shellcheck source=tests/lib.sh disable=SC2034,SC2154
. "$(dirname -- "$0")/lib.sh"

SERIES=6.12
FILES='tests/host/start_test.sh tests/host/apparmor_test.sh'
HOST=yes
SOURCES=''
# shellcheck source=tests/guest/suite.sh
. "$ROOT/tests/guest/suite.sh"

# shellcheck source=/dev/null
. shunit2
