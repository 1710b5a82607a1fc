#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# After the boot that follows tests/host/poweroff_test.sh.
# shellcheck source=tests/host/lib.sh disable=SC2154
. "$(dirname -- "$0")/lib.sh"

# clean RAW-IMAGE - its file system was unmounted, and holds what was written.
clean() {
	run e2fsck -fn "$1"
	assert_status 0
	run debugfs -R 'cat /root/new' "$1"
	assertEquals written "$out"
}

testAPoweroffWithARunningNbdContainerLeavesItsImageClean() {
	run qemu-img check -q -f qcow2 /srv/others/other/own.qcow2
	assert_status 0
	qemu-img convert -f qcow2 -O raw /srv/others/other/own.qcow2 raw
	clean raw
}

testAPoweroffWithARunningLoopContainerLeavesItsImageClean() { clean /srv/others/loop/own.img; }

testAContainerIsStartedAtBootByLxcAutostart() {
	in_default_lxcpath
	assertTrue 'runs' 'is_running auto'
	inside auto /bin/cat /root/new
	assertEquals written "$out"
	stop auto
	assert_nothing_left
	run qemu-img check -q -f qcow2 /var/lib/lxc/auto/own.qcow2
	assert_status 0
	qemu-img convert -f qcow2 -O raw /var/lib/lxc/auto/own.qcow2 raw
	clean raw
}

# shellcheck source=/dev/null
. shunit2
