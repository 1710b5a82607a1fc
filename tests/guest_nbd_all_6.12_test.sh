#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# images, containers and clones on nbd devices.
# shellcheck source=tests/lib.sh disable=SC2034,SC2154
. "$(dirname -- "$0")/lib.sh"

SERIES=6.12
# shellcheck source=tests/guest/nbd_files.sh
. "$ROOT/tests/guest/nbd_files.sh"
FILES='tests/guest/nbd_test.sh tests/guest/nbd_lxc_test.sh tests/guest/clone_test.sh'
# shellcheck source=tests/guest/suite.sh
. "$ROOT/tests/guest/suite.sh"

# shellcheck source=/dev/null
. shunit2
