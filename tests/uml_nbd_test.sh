#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# nbd through the kernel's nbd devices, which not every machine has: in a guest.
# shellcheck source=tests/lib.sh disable=SC2034,SC2154
. "$(dirname -- "$0")/lib.sh"

FILES='tests/uml/nbd_test.sh tests/uml/nbd_ioctl_test.sh tests/uml/nbd_lxc_test.sh tests/uml/clone_test.sh'
SOURCES=tests/nbd.sh
# shellcheck source=tests/uml/suite.sh
. "$ROOT/tests/uml/suite.sh"

# shellcheck source=/dev/null
. shunit2
