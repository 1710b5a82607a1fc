#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# nbd: devices that are connected by ioctl, as on a kernel whose nbd knows no netlink. Runs in the guest of tests/guest/run,
# for tests/guest_nbd_6.1_test.sh and its like.
# shellcheck source=tests/lib.sh disable=SC2154
. "$(dirname -- "$0")/../lib.sh"
ROOT=$(cd -- "$(dirname -- "$0")/../.." && pwd)
LXC_BDEV=$ROOT/build/lxc-bdev
KILL_STEP=40
LXC_BDEV_NBD=ioctl
export LXC_BDEV_NBD
# shellcheck source=tests/nbd.sh
. "$ROOT/tests/nbd.sh"

suite() { add_tests "$0"; }

# If this fails, the rest says nothing of ioctl.
testDeviceIsConnectedByIoctl() {
	image i.qcow2
	mounted nbd:i.qcow2
	same ioctl "$(transport)"
	same 'QEMU, one that holds the device, one that sees the end' 3 "$(record server 2 | wc -l)"
	umounted
}

testReconnectNeedsNetlink() {
	image i.raw
	bdev mount nbd:i.raw,reconnect=5 "$HERE/m"
	impossible 'reconnect= needs transport=nbd, by netlink'
}

testKilledWorkerOfADeviceGivesErrorsAndNothingIsLeft() {
	image i.qcow2
	mounted nbd:i.qcow2
	echo before >m/before
	sync -f m
	kill -KILL "$(server bdev-nbd)"
	noise m/after 2>/dev/null
	! sync -f m 2>/dev/null || fail 'what could not be written was synced'
	umounted
	mounted nbd:i.qcow2
	same before "$(cat m/before)"
	umounted
}

testByIoctlQcow2IsReadAndWritten() { testQcow2IsReadAndWritten; }
testByIoctlReadOnlyChangesNothingInTheImage() { testReadOnlyChangesNothingInTheImage; }
testByIoctlServerThatDiesGivesErrorsAndTheImageStaysGood() { testServerThatDiesGivesErrorsAndTheImageStaysGood; }
testByIoctlKilledWatcherIsNotNeededForUmount() { testKilledWatcherIsNotNeededForUmount; }
testByIoctlMountTakenOffByHandEndsTheServer() { testMountTakenOffByHandEndsTheServer; }
testByIoctlServerLivesAsLongAsAFileIsOpen() { testServerLivesAsLongAsAFileIsOpen; }
testByIoctlAnotherMountNamespaceKeepsTheServer() { testAnotherMountNamespaceKeepsTheServer; }
testByIoctlServersHaveNoDescriptorsOfOthers() { testServersHaveNoDescriptorsOfOthers; }
testByIoctlMountKilledAnywhere() { testMountKilledAnywhere; }
testByIoctlUmountKilledAnywhere() { testUmountKilledAnywhere; }
testByIoctlPlanSaysTheTransportAndWhy() { testPlanSaysTheTransportAndWhyAndChangesNothing; }

# shellcheck source=/dev/null
. shunit2
