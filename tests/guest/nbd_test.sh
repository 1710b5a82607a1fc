#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# nbd: all that any transport may fail alone, on devices. Runs in a guest, for tests/guest_nbd_6.1_test.sh and its like.
# shellcheck source=tests/lib.sh disable=SC2154
. "$(dirname -- "$0")/../lib.sh"
ROOT=$(cd -- "$(dirname -- "$0")/../.." && pwd)
LXC_BDEV=$ROOT/build/lxc-bdev
KILL_STEP=25
# shellcheck source=tests/nbd.sh
. "$ROOT/tests/nbd.sh"

suite() { add_tests "$ROOT/tests/nbd.sh"; }

# shellcheck source=/dev/null
. shunit2
