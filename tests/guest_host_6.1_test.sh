#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# a complete LXC host: systemd, udev, AppArmor enforced, LXC as its packages install it.
# shellcheck source=tests/lib.sh disable=SC2034,SC2154
. "$(dirname -- "$0")/lib.sh"

SERIES=6.1
FILES='tests/host/start_test.sh tests/host/elsewhere_test.sh tests/host/clone_test.sh tests/host/systemd_test.sh
	tests/host/apparmor_test.sh tests/host/poweroff_test.sh'
AFTER_BOOT=tests/host/boot_test.sh
SOURCES=''
# shellcheck source=tests/guest/suite.sh
. "$ROOT/tests/guest/suite.sh"

# shellcheck source=/dev/null
. shunit2
