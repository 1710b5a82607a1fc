#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# LXC's workflows on nbd devices of a real kernel. Runs in the guest of tests/guest/run, for tests/guest_nbd_6.1_test.sh and its like.
# shellcheck source=tests/lib.sh disable=SC2154
. "$(dirname -- "$0")/../lib.sh"
# shellcheck source=tests/clone.sh
. "$(dirname -- "$0")/../clone.sh"
ROOT=$(cd -- "$(dirname -- "$0")/../.." && pwd)
LXC_BDEV=$ROOT/build/lxc-bdev

testAFullCopyOfAQcow2IsIndependent() { full_copy_is_independent nbd; }
testASnapshotCloneStandsOnAQcow2() { snapshot_clone_stands_on_the_source nbd; }
testEphemeralsOfAQcow2ShareIt() { ephemerals_share nbd 3; }

# shellcheck source=/dev/null
. shunit2
