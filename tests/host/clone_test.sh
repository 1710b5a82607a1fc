#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# LXC's workflows on a complete LXC host: lxc-create, lxc-copy, lxc-snapshot, ephemerals.
# shellcheck source=tests/host/lib.sh disable=SC2154
. "$(dirname -- "$0")/lib.sh"
# shellcheck source=tests/clone.sh
. /run/project/tree/tests/clone.sh
with_predefined_profile
tearDownEach() {
	for _config in "$LXCPATH"/*/config; do
		[ -e "$_config" ] || continue
		_c=$(basename -- "$(dirname -- "$_config")")
		is_stopped "$_c" || stop "$_c" </dev/null >/dev/null 2>&1
	done
	assert_nothing_denied
}

testAFullCopyOfAnImageIsIndependent() { full_copy_is_independent loop; }
testAFullCopyOfAQcow2IsIndependent() { full_copy_is_independent nbd; }
testASnapshotCloneOfAStackDependsOnIt() { snapshot_clone_stands_on_the_source stack; }
testASnapshotCloneOfAQcow2DependsOnIt() { snapshot_clone_stands_on_the_source nbd; }
testEphemeralsOfAQcow2ShareIt() { ephemerals_share nbd 2; }
testSnapshotsOfAnImageHoldAndRestore() { snapshots_hold_and_restore loop; }

testAnEphemeralGoesWhenItStops() {
	stored c1 stack
	bdev ephemeral -P "$LXCPATH" -n c1 -N e1
	assertEquals "ephemeral: $err" 0 "$status"
	echo e1 >>"$SCRATCH/started"
	inside e1 /bin/cat /etc/marker
	assertEquals base "$out"
	stop e1
	assertTrue 'it is gone' 'eventually gone e1'
	destroy c1
	assert_nothing_left
}

# As an administrator types it, in the place that lxc-create takes by itself.
testLxcCreateMakesAContainerThatStarts() {
	in_default_lxcpath
	for store in loop,size=64M nbd,size=64M; do
		name=created-${store%%,*}
		tar -C "$(shared_root)" -cf root.tar .
		run lxc-create -n "$name" -t bdev -- --store "$store" --tarball "$HERE/root.tar"
		assertEquals "created: $out $err" 0 "$status"
		start "$name"
		assert_status 0
		inside "$name" /bin/cat /etc/marker
		assertEquals base "$out"
		stop "$name"
		destroy "$name"
	done
	assert_nothing_left
}

# shellcheck source=/dev/null
. shunit2
