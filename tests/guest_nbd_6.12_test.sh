#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# nbd devices, by netlink and by ioctl.
# shellcheck source=tests/lib.sh disable=SC2034,SC2154
. "$(dirname -- "$0")/lib.sh"

SERIES=6.12
# shellcheck source=tests/guest/nbd_files.sh
. "$ROOT/tests/guest/nbd_files.sh"
# What is of this kernel's devices; the others are in tests/guest_nbd_all_6.12_test.sh.
FILES='tests/guest/nbd_netlink_test.sh tests/guest/nbd_ioctl_test.sh'
SOURCES=''
# shellcheck source=tests/guest/suite.sh
. "$ROOT/tests/guest/suite.sh"

# shellcheck source=/dev/null
. shunit2
