#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The same in another lxcpath than LXC's default one, and each a second time.
# shellcheck source=tests/host/lib.sh disable=SC2154
. "$(dirname -- "$0")/lib.sh"
# shellcheck source=tests/host/types.sh
. "$(dirname -- "$0")/types.sh"

testEveryTypeInAnotherLxcpath() {
	with_predefined_profile
	every_type
	for name in $TYPES; do
		works "$name" lxc-container-default-cgns
		[ "$name" = tmpfs ] || {
			start "$name"
			assert_status 0
			inside "$name" /bin/cat /root/new
			assertEquals 'after the stop' written "$out"
			stop "$name"
			assertTrue "left behind: $(left_here)" 'eventually nothing_left_here'
		}
		destroyed "$name"
	done
}

# shellcheck source=/dev/null
. shunit2
