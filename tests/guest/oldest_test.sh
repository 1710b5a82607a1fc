#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The oldest kernel: nbd's netlink says no backend there (Linux 5.14), so ioctl is used, and QEMU has no Landlock (5.13). Runs
# in a guest, for tests/guest_oldest_test.sh.
# shellcheck source=tests/lib.sh disable=SC2154
. "$(dirname -- "$0")/../lib.sh"
ROOT=$(cd -- "$(dirname -- "$0")/../.." && pwd)
LXC_BDEV=$ROOT/build/lxc-bdev
KILL_STEP=40
# shellcheck source=tests/nbd.sh
. "$ROOT/tests/nbd.sh"

suite() { add_tests "$0"; }

testNetlinkIsNotUsedWhereNobodyCouldFindTheDeviceAgain() {
	image i.qcow2
	mounted nbd:i.qcow2
	same ioctl "$(transport)"
	[ ! -e /sys/block/nbd0/backend ] || fail 'this kernel has backends'
	umounted
}

testReconnectIsRefusedWithTheKernelThatItNeeds() {
	image i.raw
	bdev mount nbd:i.raw,reconnect=5 "$HERE/m"
	impossible 'reconnect= needs transport=nbd, by netlink (Linux 5.14)'
}

testHereQcow2IsReadAndWritten() { testQcow2IsReadAndWritten; }
testHereReadOnlyChangesNothingInTheImage() { testReadOnlyChangesNothingInTheImage; }
testHereAServerThatDiesGivesErrorsAndTheImageStaysGood() { testServerThatDiesGivesErrorsAndTheImageStaysGood; }
testHereAMountTakenOffByHandEndsTheServer() { testMountTakenOffByHandEndsTheServer; }
testHereWhatQemuOpenedIsFoundOut() { testWhatQemuOpenedOnAKernelWithoutLandlockIsFoundOut; }
testHereMountKilledAnywhere() { testMountKilledAnywhere; }
testHereUmountKilledAnywhere() { testUmountKilledAnywhere; }

# shellcheck source=/dev/null
. shunit2
