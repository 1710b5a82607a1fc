#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# A container's life through LXC's own tools.
# shellcheck source=tests/lib.sh
. "$(dirname -- "$0")/lib.sh"

testContainerRunsFromImageBelowTmpfsBelowOverlay() {
	container c1 loop:base.img,ro tmpfs:.,size=16m overlay:delta0
	make_image "$LXCPATH/c1/base.img" ext4
	before=$(md5sum <"$LXCPATH/c1/base.img")
	start c1
	assert_status 0
	inside c1 /bin/sh -c 'echo written >/root/new && cat /root/new /etc/marker'
	assertEquals 'written
base' "$out"
	stop c1
	assertEquals 'the image' "$before" "$(md5sum <"$LXCPATH/c1/base.img")"
	assertTrue 'no loop device is left' no_loops
	assertTrue 'no journal is left' no_journals
}

testWhatWasWrittenToTheTmpfsSurvivesAReboot() {
	container c1 loop:base.img,ro tmpfs:.,size=16m overlay:delta0
	make_image "$LXCPATH/c1/base.img" ext4
	start c1
	assert_status 0
	inside c1 /bin/sh -c 'echo written >/root/new'
	assertTrue 'rebooted' 'reboot c1'
	inside c1 /bin/cat /root/new
	assertEquals written "$out"
}

# shellcheck source=/dev/null
. shunit2
