#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# What runs when the host is powered off. tests/host/boot_test.sh looks at it after the next boot.
# shellcheck source=tests/host/lib.sh disable=SC2154
. "$(dirname -- "$0")/lib.sh"
with_predefined_profile
# They run on when this file has ended.
tearDownEach() { : >"$SCRATCH/started"; }

# writing NAME - it writes a file a time as long as it runs.
writing() {
	start "$1"
	assert_status 0
	inside "$1" /bin/sh -c 'echo written >/root/new && sync'
	assert_status 0
	lxc-attach -P "$LXCPATH" -n "$1" --clear-env -- /bin/sh -c \
		'n=0; while :; do n=$((n + 1)); echo $n >/root/$((n % 50)); sleep 0.05; done' </dev/null >/dev/null 2>&1 &
}

testContainersThatRunAtPoweroff() {
	make_image root.raw ext4 32
	# One that the host's lxc.service starts and stops, one that nobody stops.
	LXCPATH=/var/lib/lxc
	container auto nbd:own.qcow2
	echo 'lxc.start.auto = 1' >>"$LXCPATH/auto/config"
	qemu-img convert -f raw -O qcow2 root.raw "$LXCPATH/auto/own.qcow2"
	writing auto
	LXCPATH=/srv/others
	container other nbd:own.qcow2
	qemu-img convert -f raw -O qcow2 root.raw "$LXCPATH/other/own.qcow2"
	writing other
	container loop loop:own.img
	cp root.raw "$LXCPATH/loop/own.img"
	writing loop
}

# shellcheck source=/dev/null
. shunit2
