#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# nbd: what is of devices that are connected by netlink alone. Runs in a guest, for tests/guest_nbd_6.1_test.sh and its like.
# shellcheck source=tests/lib.sh disable=SC2154
. "$(dirname -- "$0")/../lib.sh"
ROOT=$(cd -- "$(dirname -- "$0")/../.." && pwd)
LXC_BDEV=$ROOT/build/lxc-bdev
# shellcheck source=tests/nbd.sh
. "$ROOT/tests/nbd.sh"

suite() { add_tests "$0"; }

# If this fails, the rest says nothing of netlink.
testDeviceIsConnectedByNetlink() {
	image i.qcow2
	mounted nbd:i.qcow2
	same netlink "$(transport)"
	same 'QEMU, and one that sees it end' 2 "$(record server 2 | wc -l)"
	umounted
}

testPartitionIsTheKernelsWhereItMakesOne() {
	disk d.qcow2 gpt "$(gpt)"
	mounted nbd:d.qcow2:12,ro
	contains "$(findmnt -no SOURCE m)" p12
	umounted
}

testDeviceOfAnotherIsLeftAlone() {
	image i.qcow2 other.qcow2
	qemu-nbd -t -f qcow2 -c /dev/nbd0 other.qcow2 &
	echo $! >"$SCRATCH/pids"
	eventually [ -e /sys/block/nbd0/pid ]
	CONNECTED="$CONNECTED /sys/block/nbd0/pid"
	mounted nbd:i.qcow2
	same /dev/nbd1 "$(findmnt -no SOURCE m)"
	umounted
	[ -e /sys/block/nbd0/pid ] || fail 'the other is disconnected'
	qemu-nbd -d /dev/nbd0 >/dev/null
	wait "$(cat "$SCRATCH/pids")"
}

is_served() { [ "$(processes | grep -c '@qemu-nbd')" -eq 1 ]; }

testReconnectStartsTheServerAnew() {
	image i.raw
	mounted nbd:i.raw,reconnect=30
	for i in 1 2; do
		kill -KILL "$(processes | awk '/@qemu-nbd/ {print $1}')"
		noise m/noise
		sync -f m || fail 'it did not wait for the new server'
		is_served || fail "servers: $(processes)"
	done
	sum=$(md5sum <m/noise)
	umounted
	assert_clean i.raw
	mounted nbd:i.raw,ro
	same "$sum" "$(md5sum <m/noise)"
	umounted
}

testReconnectOfAQcow2ThatIsWrittenThrough() {
	image i.qcow2
	mounted nbd:i.qcow2,reconnect=30,cache=writethrough
	kill -KILL "$(server qemu)"
	noise m/noise
	sync -f m || fail 'it did not wait for the new server'
	umounted
	assert_clean i.qcow2
}

testKilledWatcherOfAReconnectIsNotNeededForUmount() {
	image i.raw
	mounted nbd:i.raw,reconnect=30
	kill -KILL "$(server bdev-watcher)"
	umounted
	assert_clean i.raw
}

testByNetlinkQcow2IsReadAndWritten() { testQcow2IsReadAndWritten; }
testByNetlinkServerThatDiesGivesErrorsAndTheImageStaysGood() { testServerThatDiesGivesErrorsAndTheImageStaysGood; }

# shellcheck source=/dev/null
. shunit2
