#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# A Debian container with systemd as its init, on a complete LXC host; and what systemd does on the host.
# shellcheck source=tests/host/lib.sh disable=SC2154
. "$(dirname -- "$0")/lib.sh"

DEBIAN=/srv/debian.img # see tests/guest/host-image

# debian NAME SPEC... - a container as lxc-create's templates make one of Debian.
debian() {
	container "$@"
	sed -i '1i lxc.include = /usr/share/lxc/config/debian.common.conf' "$LXCPATH/$1/config"
}

# system_state NAME - what its systemd says when it has started all; nothing as long as it does not answer.
system_state() {
	state=$(timeout 240 lxc-attach -P "$LXCPATH" -n "$1" --clear-env -- /bin/systemctl is-system-running --wait 2>/dev/null)
	[ "$state" ] && [ "$state" != offline ]
}
# up NAME - its systemd has started all.
up() {
	by_the_clock 120 system_state "$1"
	failed=$(lxc-attach -P "$LXCPATH" -n "$1" --clear-env -- /bin/systemctl --failed --plain --no-legend)
	assertEquals "state of $1; failed: $failed" running "$state"
}
init_is_not() { [ "$(lxc info "$1" -pH)" ] && [ "$(lxc info "$1" -pH)" != "$2" ]; }

# lives NAME - systemd comes up in it, it reboots and powers off from inside, and its files stay.
lives() {
	start "$1"
	assert_status 0
	up "$1"
	inside "$1" /bin/sh -c 'echo written >/root/new && sync'
	assert_status 0
	init=$(lxc info "$1" -pH)
	inside "$1" /bin/systemctl reboot
	assertTrue 'rebooted' "by_the_clock 120 init_is_not '$1' '$init'"
	up "$1"
	inside "$1" /bin/cat /root/new
	assertEquals 'after the reboot' written "$out"
	inside "$1" /bin/systemctl poweroff
	assertTrue 'powered off' "by_the_clock 120 is_stopped '$1'"
	assert_nothing_left
}

testDebianOnALoopImage() {
	debian d1 loop:own.img
	cp --sparse=always "$DEBIAN" "$LXCPATH/d1/own.img"
	lives d1
	run e2fsck -fn "$LXCPATH/d1/own.img"
	assert_status 0
}

testDebianOnAQcow2() {
	# A backing file outside of the image's directory is the administrator's to allow.
	echo 'bdev.policy.backing = /srv' >/etc/lxc/bdev-policy.conf
	debian d1 nbd:own.qcow2
	qemu-img create -q -f qcow2 -b "$DEBIAN" -F raw "$LXCPATH/d1/own.qcow2"
	lives d1
	run qemu-img check -q -f qcow2 "$LXCPATH/d1/own.qcow2"
	assert_status 0
}

testDebianOnAnOverlayOfAReadOnlyImage() {
	before=$(md5sum <"$DEBIAN")
	debian d1 "loop:$DEBIAN,ro" overlay:delta
	lives d1
	assertEquals 'the image' "$before" "$(md5sum <"$DEBIAN")"
}

# --- systemd on the host ---


image() {
	[ -e "$SCRATCH/root.img" ] || make_image "$SCRATCH/root.img" ext4 32
	qemu-img convert -f raw -O "${1##*.}" "$SCRATCH/root.img" "$1"
}
servers() { pgrep -f '^@qemu-nbd'; }

# service NAME - a container on nbd in the default lxcpath, as lxc@.service wants it.
service() {
	with_predefined_profile
	in_default_lxcpath
	container "$1" nbd:own.qcow2
	image "$LXCPATH/$1/own.qcow2"
}

testAContainerAsASystemdService() {
	service s1
	run systemctl start lxc@s1
	assertEquals "started: $(systemctl status lxc@s1 2>&1)" 0 "$status"
	assertTrue 'runs' 'by_the_clock 60 is_running s1'
	inside s1 /bin/sh -c 'echo written >/root/new'
	assert_status 0
	run systemctl stop lxc@s1
	assert_status 0
	assertTrue 'stopped' 'by_the_clock 60 is_stopped s1'
	assert_nothing_left
	assertEquals 'servers' '' "$(servers)"
	run qemu-img check -q -f qcow2 "$LXCPATH/s1/own.qcow2"
	assert_status 0
	lxc destroy s1
}

testADaemonReexecLeavesServersAlone() {
	service s1
	start s1
	assert_status 0
	server=$(servers)
	systemctl daemon-reexec
	systemctl daemon-reload
	assertEquals 'the same server' "$server" "$(servers)"
	inside s1 /bin/sh -c 'echo written >/root/new && sync && cat /root/new'
	assertEquals written "$out"
	stop s1
	assert_nothing_left
	lxc destroy s1
}

# A session's processes are killed at its end, all of them: KillUserProcesses=yes.
testTheEndOfASessionLeavesItsContainersAndTheirServersAlone() {
	mkdir -p /run/systemd/logind.conf.d
	printf '[Login]\nKillUserProcesses=yes\nKillExcludeUsers=nobody\n' >/run/systemd/logind.conf.d/kill.conf
	systemctl restart systemd-logind
	service s1
	# `su -` opens a session where it is called from none: from a service.
	cat >session <<-END
		sleep 1000 &
		echo \$! >'$HERE/pid'
		cat /proc/self/cgroup >'$HERE/cgroup'
		lxc-start -n s1
	END
	run systemd-run --wait --quiet su - root -c "sh '$HERE/session'"
	assert_status 0
	echo s1 >>"$SCRATCH/started"
	assertContains 'it was a session' "$(cat cgroup)" session-
	ended() { ! kill -0 "$(cat pid)" 2>/dev/null; }
	assertTrue 'what else it started has ended' 'by_the_clock 30 ended'
	assertTrue 'runs' 'is_running s1'
	inside s1 /bin/sh -c 'echo written >/root/new && sync && cat /root/new'
	assertEquals written "$out"
	stop s1
	assert_nothing_left
	lxc destroy s1
	rm /run/systemd/logind.conf.d/kill.conf
	systemctl restart systemd-logind
}

# udev opens each device that changes, and holds it for a moment.
testFiftyStartsAndStopsWhileUdevIsBusy() {
	with_predefined_profile
	container loop loop:own.img
	image "$LXCPATH/loop/own.raw"
	mv "$LXCPATH/loop/own.raw" "$LXCPATH/loop/own.img"
	container nbd nbd:own.qcow2
	image "$LXCPATH/nbd/own.qcow2"
	while :; do udevadm trigger --subsystem-match=block; done &
	busy=$!
	failures=0
	for n in $(seq 25); do
		for name in loop nbd; do
			start "$name"
			[ "$status" -eq 0 ] || { failures=$((failures + 1)) && echo "$name $n: $err"; }
			stop "$name"
		done
	done
	kill "$busy"
	wait "$busy" 2>/dev/null
	udevadm settle
	assertEquals 'failed of 50' 0 "$failures"
	assert_nothing_left
	run e2fsck -fn "$LXCPATH/loop/own.img"
	assert_status 0
	run qemu-img check -q -f qcow2 "$LXCPATH/nbd/own.qcow2"
	assert_status 0
}

# shellcheck source=/dev/null
. shunit2
