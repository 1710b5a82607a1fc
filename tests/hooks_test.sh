#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# LXC's hook protocol: versions, forms of the rootfs path, failing at each stage, clone and destroy.
# shellcheck disable=SC2016 # shunit2 expands what is in single quotes
# shellcheck source=tests/lib.sh
. "$(dirname -- "$0")/lib.sh"

# --- versions and forms ---

testHooksOfVersion0And1DoTheSame() {
	for version in 0 1; do
		container c1 loop:base.img,ro tmpfs:. overlay:delta0
		make_image "$LXCPATH/c1/base.img" ext4
		printf 'lxc.hook.version = %s\n' "$version" >>"$LXCPATH/c1/config"
		start c1
		assert_status 0
		inside c1 /bin/sh -c 'echo written >/root/new'
		assertTrue 'rebooted' 'reboot c1'
		inside c1 /bin/cat /root/new
		assertEquals "version $version" written "$out"
		stop c1
		assert_nothing_left
		run lxc-destroy -P "$LXCPATH" -n c1
		assert_status 0
	done
}

# --- bdev.conf included twice, or one of its hooks removed ---

# included_twice NAME SPEC...
included_twice() {
	container "$@"
	sed -i "1i lxc.include = $HERE/bdev.conf" "$LXCPATH/$1/config"
}

testBdevConfIncludedTwiceStartsRebootsAndStopsAsOnce() {
	make_image base.img ext4
	included_twice c1 "loop:$HERE/base.img,ro" tmpfs:. overlay:delta0
	start c1
	assert_status 0
	assertEquals 'one loop device' 1 "$(loops)"
	inside c1 /bin/sh -c 'echo kept >/root/new'
	assertTrue 'rebooted' 'reboot c1'
	inside c1 /bin/cat /root/new
	assertEquals kept "$out"
	stop c1
	assert_nothing_left
	run lxc-destroy -P "$LXCPATH" -n c1
	assert_status 0
}

testBdevConfIncludedTwiceLeavesAReadOnlyRootReadOnly() {
	included_twice c1 "dir:$(shared_root),ro"
	start c1
	assert_status 0
	inside c1 /bin/touch /written
	assertNotEquals 'it is not written to' 0 "$status"
	stop c1
	assert_nothing_left
}

testBdevConfIncludedTwiceIsCopiedAsOnce() {
	included_twice c1 loop:root.img
	make_image "$LXCPATH/c1/root.img" ext4
	run lxc-copy -P "$LXCPATH" -n c1 -N c2
	assert_status 0
	assertFalse 'nothing is left of counting the hooks' "[ -e '$LXCPATH/c2/.lxc-bdev.cloned' ]"
	echo 'bdev.clone = link' >>"$LXCPATH/c1/config"
	run lxc-copy -P "$LXCPATH" -n c1 -N c3
	assert_status 0
	for _c in c2 c3; do
		start $_c
		assert_status 0
		assert_boots_and_writes $_c
		stop $_c
		run lxc-destroy -P "$LXCPATH" -n $_c
		assert_status 0
	done
	assert_nothing_left
}

testBdevConfIncludedTwiceIsSnapshotAndRestored() {
	included_twice c1 loop:root.img
	make_image "$LXCPATH/c1/root.img" ext4
	run lxc-snapshot -P "$LXCPATH" -n c1
	assert_status 0
	run lxc-snapshot -P "$LXCPATH" -n c1 -r snap0
	assert_status 0
	start c1
	assert_status 0
	assert_boots_and_writes c1
}

testARemovedHookIsRefusedByTheHooksThatAreLeft() {
	for _hook in post-stop clone destroy; do
		container c1 "dir:$(shared_root),ro"
		printf 'lxc.hook.%s =\n' "$_hook" >>"$LXCPATH/c1/config"
		: >"$LXCPATH/c1.log"
		start c1
		assert_refused c1 "lxc.hook.$_hook: the empty value removes the hook"
	done
}

# What LXC_ROOTFS_PATH was in a hook of this type, once for each run of it.
record_rootfs_path() {
	printf "lxc.hook.%s = sh -c 'echo \"\$LXC_ROOTFS_PATH\" >>\"%s\"'\n" "$2" "$HERE/$2" >>"$LXCPATH/$1/config"
}

# A container whose stack writes nothing lasting, so that copies may share it.
shareable() {
	[ -e "$HERE/base.img" ] || make_image "$HERE/base.img" ext4
	container "$1" "loop:$HERE/base.img,ro" tmpfs:.,size=16m overlay:delta0
}

assert_boots_and_writes() {
	inside "$1" /bin/sh -c 'echo "written in $0" >/root/new && cat /root/new /etc/marker' "$1"
	assertEquals "written in $1
base" "$out"
}

testStackGoesOnAPlainRootfsPath() {
	shareable c1
	record_rootfs_path c1 pre-mount
	start c1
	assert_status 0
	assert_boots_and_writes c1
	assertEquals 'the form' "$LXCPATH/c1/rootfs" "$(cat pre-mount)"
}

testCopyOfAStackThatWritesNothingLastingWorks() {
	shareable c1
	record_rootfs_path c1 clone
	run lxc-copy -P "$LXCPATH" -n c1 -N c2
	assert_status 0
	assertEquals 'the form' "dir:$LXCPATH/c2/rootfs" "$(cat clone)"
	start c1
	start c2
	assert_status 0
	assert_boots_and_writes c1
	assert_boots_and_writes c2
	stop c1
	assert_boots_and_writes c2
	stop c2
	assert_nothing_left
}

testStackGoesBelowTheOverlayOfASnapshotCopy() {
	shareable c1
	record_rootfs_path c1 pre-mount
	before=$(md5sum <base.img)
	run lxc-copy -P "$LXCPATH" -n c1 -N c2 -s -B overlay
	assert_status 0
	start c2
	assert_status 0
	assert_boots_and_writes c2
	assertEquals 'the form' "$LXCPATH/c1/rootfs:$LXCPATH/c2/overlay/delta" "$(cat pre-mount)"
	assertTrue 'it writes to the upper of its own' '[ -e "$LXCPATH/c2/overlay/delta/root/new" ]'
	# Its lower and the source's stack are two.
	start c1
	assert_status 0
	inside c1 /bin/ls /root
	assertEquals '' "$out"
	assertTrue 'rebooted' 'reboot c2'
	inside c2 /bin/cat /root/new
	assertEquals 'written in c2' "$out"
	stop c1
	stop c2
	assertEquals 'the image' "$before" "$(md5sum <base.img)"
	assert_nothing_left
}

testStackGoesBelowTheOverlayOfAnEphemeralCopy() {
	needs_lxc_copy_e || return 0
	shareable c1
	record_rootfs_path c1 pre-mount
	echo c2 >>"$SCRATCH/started"
	run lxc-copy -P "$LXCPATH" -n c1 -N c2 -e -B overlay
	assert_status 0
	eventually is_running c2
	assert_boots_and_writes c2
	assertEquals 'the form' "overlay:$LXCPATH/c1/rootfs:$LXCPATH/c2/overlay/delta" "$(cat pre-mount)"
	stop c2
	assertTrue 'it is gone' 'eventually test ! -e "$LXCPATH/c2"'
	assert_nothing_left
	start c1
	assert_status 0
}

testEphemeralCopyOnTmpfsWorks() {
	needs_lxc_copy_e || return 0
	unblank
	shareable c1
	run lxc-copy -P "$LXCPATH" -n c1 -N c2 -e -t
	assert_status 0
	eventually is_running c2
	assert_boots_and_writes c2
	stop c2
	assertTrue 'it is gone' 'eventually test ! -e "$LXCPATH/c2"'
	assert_nothing_left
}

testFailedEphemeralCopyLeavesNothingAndDoesNotHang() {
	shareable c1
	echo 'lxc.hook.start-host = /bin/false' >>"$LXCPATH/c1/config"
	# Its destroy hook and its post-stop run at once.
	run timeout 60 lxc-copy -P "$LXCPATH" -n c1 -N c2 -e -B overlay
	assert_status 1
	assertTrue 'it is gone' 'eventually test ! -e "$LXCPATH/c2"'
	assert_nothing_left
}

# --- wrong wiring ---

# rewire FROM TO - in c1's bdev.conf, FROM's line runs TO's script.
rewire() { sed -i "s|^\\(lxc.hook.$1 = .*/bdev-\\)$1\$|\\1$2|" bdev.conf; }

testLineOfAnotherHookIsRefused() {
	shareable c1
	rewire pre-start post-stop
	start c1
	assertNotEquals 0 "$status"
	assertContains "$(our_lines c1 post-stop)" "called as LXC's pre-start hook; bdev.conf has the right lines"
	assert_nothing_left
}

testPreStartLineAsPostStopIsRefused() {
	shareable c1
	rewire post-stop pre-start
	start c1
	assert_status 0
	stop c1
	assertEquals "lxc-bdev: pre-start: called as LXC's post-stop hook; bdev.conf has the right lines" "$(our_lines c1 pre-start)"
	# So nothing was released: what the kernel did not take back, doctor does.
	eventually no_loops
	bdev doctor --fix
	assert_nothing_left
}

testSharedMonitorNamespaceIsRefused() {
	shareable c1
	echo 'lxc.monitor.unshare = 0' >>"$LXCPATH/c1/config"
	start c1
	assert_refused c1 'lxc.monitor.unshare is not 1'
}

testContainerWithoutAStackIsLeftAlone() {
	container c1
	cp -a "$(shared_root)/." "$LXCPATH/c1/rootfs"
	start c1
	assert_status 0
	inside c1 /bin/cat /etc/marker
	assertEquals base "$out"
	stop c1
	assert_nothing_left
}

# --- a start that fails, at each stage ---

# The stack has an image and an upper on disk to release, and they are free for the next start.
failing() {
	container c1 loop:root.img overlay:delta0
	make_image "$LXCPATH/c1/root.img" ext4
	cp "$LXCPATH/c1/config" config.good
	printf '%s\n' "$@" >>"$LXCPATH/c1/config"
}
assert_failed_start_leaves_nothing() {
	failing "$@"
	start c1
	assertNotEquals "with $1" 0 "$status"
	assert_nothing_left
	cp config.good "$LXCPATH/c1/config"
	start c1
	assert_status 0
	inside c1 /bin/cat /etc/marker
	assertEquals base "$out"
	stop c1
	assert_nothing_left
}
testBadSpecLeavesNothing() { assert_failed_start_leaves_nothing 'bdev.rootfs = loop:missing.img'; }
testFailedPreStartHookLeavesNothing() { assert_failed_start_leaves_nothing 'lxc.hook.pre-start = /bin/false'; }
testMissingRootfsDirectoryLeavesNothing() { assert_failed_start_leaves_nothing 'lxc.rootfs.path = dir:/nowhere'; }
testFailedPreMountHookLeavesNothing() { assert_failed_start_leaves_nothing 'lxc.hook.pre-mount = /bin/false'; }
testFailedMountHookLeavesNothing() { assert_failed_start_leaves_nothing 'lxc.hook.mount = /bin/false'; }
testFailedMountEntryLeavesNothing() { assert_failed_start_leaves_nothing 'lxc.mount.entry = /nowhere mnt none bind 0 0'; }
testFailedAutodevHookLeavesNothing() { assert_failed_start_leaves_nothing 'lxc.hook.autodev = /bin/false'; }
testFailedStartHostHookLeavesNothing() { assert_failed_start_leaves_nothing 'lxc.hook.start-host = /bin/false'; }
testFailedStartHookLeavesNothing() { assert_failed_start_leaves_nothing 'lxc.hook.start = /bin/rm'; }
testMissingInitLeavesNothing() { assert_failed_start_leaves_nothing 'lxc.init.cmd = /sbin/missing'; }

testKilledHooksOfOthersLeaveNothing() {
	for hook in pre-start pre-mount start-host; do
		assert_failed_start_leaves_nothing "lxc.hook.$hook = sh -c 'kill -KILL \$\$'"
	done
}

testFailedRebootLeavesNothingButARecord() {
	container c1 loop:base.img,ro tmpfs:. overlay:delta0
	make_image "$LXCPATH/c1/base.img" ext4
	echo "lxc.hook.pre-start = sh -c 'test ! -e \"$HERE/fail\"'" >>"$LXCPATH/c1/config"
	start c1
	assert_status 0
	touch fail
	lxc-attach -P "$LXCPATH" -n c1 -- /bin/busybox reboot -f >/dev/null 2>&1
	assertTrue 'stopped' 'eventually is_stopped c1'
	# LXC calls post-stop as for a reboot, so the stack is kept; the monitor's end takes it.
	assertTrue 'no loop device' 'eventually no_loops'
	rm fail
	start c1
	assert_status 0
	stop c1
	assert_nothing_left
}

# --- clone ---

assert_clone_refused() { # TEXT: lxc-copy says so in its log, and nothing of c2 remains
	before=$(cat "$LXCPATH/c1/config")
	run lxc-copy -P "$LXCPATH" -n c1 -N c2 -o "$HERE/copy.log" -l DEBUG
	assertNotEquals 0 "$status"
	err=$(grep -o 'lxc-bdev: .*' copy.log)
	printf '%s\n' "$err" >"$SCRATCH/stderr"
	assert_one_line 'lxc-bdev: clone: ' "$@"
	assertFalse 'no new container' '[ -e "$LXCPATH/c2" ]'
	assertEquals 'the source' "$before" "$(cat "$LXCPATH/c1/config")"
	assert_nothing_left
}

testCopyOfAWritableImageIsRefused() {
	make_image root.img ext4
	container c1 "loop:$HERE/root.img"
	image=$(md5sum <root.img)
	assert_clone_refused "loop:$HERE/root.img" 'would both write to it'
	assertEquals 'the image' "$image" "$(md5sum <root.img)"
	start c1
	assert_status 0
}

testCopyOfAWritableDirIsRefused() {
	cp -a "$(shared_root)" data
	container c1 "dir:$HERE/data"
	tree=$(ls -lR data)
	assert_clone_refused "dir:$HERE/data" 'would both write to it'
	assertEquals 'the directory' "$tree" "$(ls -lR data)"
}

testCopyOfAWritableUpperIsRefused() {
	make_image base.img ext4
	mkdir upper
	container c1 "loop:$HERE/base.img,ro" "overlay:$HERE/upper"
	assert_clone_refused "overlay:$HERE/upper" 'would both write to it'
	assertTrue 'the upper' '[ -d upper ]'
}

# --- destroy ---

destroy() { run lxc-destroy -P "$LXCPATH" -n "$@" -o "$HERE/destroy.log" -l DEBUG; }

testDestroyIsRefusedWhileSomethingIsMountedBelow() {
	container c1 loop:root.img
	make_image "$LXCPATH/c1/root.img" ext4
	mkdir precious
	echo precious >precious/file
	bdev mount "dir:$HERE/precious" "$LXCPATH/c1/rootfs"
	assert_status 0
	destroy c1
	assertNotEquals 0 "$status"
	err=$(grep -o 'lxc-bdev: .*' destroy.log)
	printf '%s\n' "$err" >"$SCRATCH/stderr"
	assert_one_line 'lxc-bdev: destroy: ' "'$LXCPATH/c1/rootfs' is mounted"
	assertEquals precious "$(cat precious/file)"
	assertTrue 'the container is whole' '[ -e "$LXCPATH/c1/root.img" ] && [ -e "$LXCPATH/c1/config" ]'
	bdev umount "$LXCPATH/c1/rootfs"
	destroy c1
	assert_status 0
	assertFalse 'it is gone' '[ -e "$LXCPATH/c1" ]'
}

testDestroyIsRefusedWhileSomethingIsMountedElsewhereBelow() {
	container c1 loop:root.img
	make_image "$LXCPATH/c1/root.img" ext4
	mkdir precious "$LXCPATH/c1/data"
	echo precious >precious/file
	bdev mount "dir:$HERE/precious" "$LXCPATH/c1/data"
	destroy c1
	assertNotEquals 0 "$status"
	assertContains "$(grep -o 'lxc-bdev: .*' destroy.log)" "'$LXCPATH/c1/data' is mounted"
	assertEquals precious "$(cat precious/file)"
	assertTrue 'the container is whole' '[ -e "$LXCPATH/c1/root.img" ] && [ -e "$LXCPATH/c1/config" ]'
}

# The first one's monitor may be slow: by then the container may have been started again.
testAPostStopOfAnEarlierStartLeavesALaterOneAlone() {
	container c1 "dir:$(shared_root),ro" overlay:delta0
	start c1
	assert_status 0
	before=$(cat /run/lxc-bdev/*/journal)
	hook post-stop --monitor $$ --name c1 --config "$LXCPATH/c1/config" --target stop
	assert_status 0
	assertEquals 'the record' "$before" "$(cat /run/lxc-bdev/*/journal)"
	bdev mount "dir:$(shared_root),ro" "overlay:$LXCPATH/c1/delta0" "$HERE"
	assertNotEquals 'its upper is in use still' 0 "$status"
	stop c1
	assert_nothing_left
}

testDestroyOfARunningContainerLeavesNothingAndNothingAbsoluteIsDeleted() {
	make_image base.img ext4
	mkdir upper more
	touch more/kept
	container c1 "loop:$HERE/base.img,ro" "dir:$HERE/more,ro" "overlay:$HERE/upper"
	start c1
	assert_status 0
	inside c1 /bin/sh -c 'echo written >/root/new'
	destroy c1 -f
	assert_status 0
	assertFalse 'it is gone' '[ -e "$LXCPATH/c1" ]'
	assertEquals 'the upper' written "$(cat upper/root/new)"
	assertTrue 'the image and the directory' '[ -s base.img ] && [ -e more/kept ]'
	assert_nothing_left
}

testASharedDirectoryAsTheRootfsPathIsNeitherStartedNorDestroyed() {
	mkdir -p shared/root
	echo precious >shared/root/file
	for path in "$HERE/shared/root" "$HERE/shared"; do
		container c1 "dir:$HERE/shared/root,ro" overlay:delta
		sed -i "s|^lxc.rootfs.path = .*|lxc.rootfs.path = dir:$path|" "$LXCPATH/c1/config"
		bdev plan -P "$LXCPATH" -n c1
		assert_status 1
		assert_one_line "lxc.rootfs.path '$path'" "$HERE/shared/root" 'lxc-destroy would delete'
		destroy c1
		assertNotEquals 0 "$status"
		assertContains "$(cat destroy.log)" "lxc-bdev: destroy: cannot destroy 'c1': "
		assertEquals precious "$(cat shared/root/file)"
	done
}

testDestroyIsRefusedWhileARootfsPathElsewhereIsMountedOn() {
	container c1 loop:root.img
	make_image "$LXCPATH/c1/root.img" ext4
	mkdir precious elsewhere
	echo precious >precious/file
	sed -i "s|^lxc.rootfs.path = .*|lxc.rootfs.path = dir:$HERE/elsewhere|" "$LXCPATH/c1/config"
	start c1
	assert_status 0
	stop c1
	bdev mount "dir:$HERE/precious" elsewhere
	assert_status 0
	destroy c1
	assertNotEquals 0 "$status"
	assertContains "$(cat destroy.log)" "'$HERE/elsewhere' is mounted"
	assertEquals precious "$(cat precious/file)"
	bdev umount elsewhere
}

testDestroyWaitsForAPostStopThatStillRuns() {
	make_image root.img ext4
	container c1 "loop:$HERE/root.img"
	sed -i "1i lxc.hook.post-stop = sh -c 'touch \"$HERE/stopping\"; sleep 1; touch \"$HERE/released\"'" "$LXCPATH/c1/config"
	start c1
	assert_status 0
	lxc-attach -P "$LXCPATH" -n c1 -- /bin/busybox poweroff -f >/dev/null 2>&1
	eventually test -e stopping
	destroy c1
	assert_status 0
	assertTrue 'after the post-stop' '[ -e released ]'
	assertFalse 'it is gone' '[ -e "$LXCPATH/c1" ]'
	assert_nothing_left
}

# shellcheck source=/dev/null
. shunit2
