#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Containers on nbd devices of a real kernel. Runs in the guest of tests/guest/run, for tests/guest_nbd_6.1_test.sh and its like.
# shellcheck disable=SC2016 # shunit2 expands what is in single quotes
# shellcheck source=tests/lib.sh disable=SC2154
. "$(dirname -- "$0")/../lib.sh"
# shellcheck source=tests/nbd_lxc.sh
. "$(dirname -- "$0")/../nbd_lxc.sh"
ROOT=$(cd -- "$(dirname -- "$0")/../.." && pwd)
LXC_BDEV=$ROOT/build/lxc-bdev

# All of this machine is these tests', and starting a program is slow: what can be asked without, is.
devices() {
	for _device in /sys/block/nbd*/pid /sys/block/loop*/loop; do
		[ ! -e "$_device" ] || echo "$_device"
	done
}
remember_devices() { :; }
ours() { of_the_helper; }
left() {
	devices
	ours
	for _left in /run/lxc-bdev/* /sys/fs/cgroup/lxc-bdev; do
		[ ! -e "$_left" ] || echo "$_left"
	done
	while read -r _ _at _; do
		case $_at in *lxc-bdev\\040test/*) echo "$_at" ;; esac
	done </proc/self/mounts
}
cut_off() {
	for _device in /sys/block/nbd*/pid; do
		[ ! -e "$_device" ] || qemu-nbd -d "/dev/$(basename -- "${_device%/pid}")" >/dev/null
	done
}

# What it is all about: if this fails, the rest says nothing of nbd.
testTheRootIsAnNbdDevice() {
	on_image c1 qcow2
	begin c1
	assertContains "$(cat "/proc/$(lxc info c1 -pH)/mounts")" '/dev/nbd0 / ext4 rw'
	assertEquals 'connected' /sys/block/nbd0/pid "$(devices)"
	stop c1
	assert_nothing_left
}

testWhatIsWrittenToAQcow2SurvivesRebootAndStop() { written_data_survives qcow2; }
testAPartitionBelowATmpfsIsNeverWritten() { partition_is_never_written; }
testFourContainersShareAReadOnlyImage() { four_share_an_image; }
testTheSecondWriterIsRefusedInOneLineThatNamesTheFirst() { second_writer_is_refused; }
testSixteenContainersOnLinkedImagesStartAndStopAtOnce() { sixteen_at_once 2; }

testOfAKilledMonitorTheKernelLeavesNothing() { killed_monitor_leaves_nothing; }
testAKilledServerIsAnErrorInside() { killed_server_is_an_error_inside qcow2; }
testARebootMendsAKilledServer() { reboot_mends_a_killed_server; }

# writer_goes_on FORMAT TIMES - qemu-nbd is killed while a process in the container writes, so often.
writer_goes_on() {
	on_image c1 "$1" ,reconnect=30,cache=writethrough
	begin c1
	write_on c1
	assertTrue 'it writes' 'eventually acked 5'
	for _ in $(seq "$2"); do
		kill_server_at_work
		assertTrue 'there is a new server' 'eventually new_server'
		n=$(grep -c '^[0-9]' acked)
		assertTrue "it goes on: $(tail -n 1 acked)" "eventually acked $((n + 5))"
	done
	assertEquals 'errors' '' "$(grep failed acked)"
	stop c1
	assert_nothing_left
	assert_no_error_in "c1.$1" "$1" 0 3
	begin c1
	assert_numbers c1
	stop c1
	assert_nothing_left
	qemu-img check -q -r leaks -f "$1" "c1.$1" >/dev/null 2>&1
	assert_clean "c1.$1" "$1"
}
new_server() { [ "$(server)" ] && [ "$(server)" != "$killed" ]; }

testAWriterGoesOnWhenTheServerOfItsQcow2IsKilled() { writer_goes_on qcow2 2; }

testTheServerIsInNoCgroupOfOthers() { server_is_in_no_cgroup_of_others; }

# shellcheck source=/dev/null
. shunit2
