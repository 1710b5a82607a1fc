#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The four types and a container on a kernel whose overlay knows neither lowerdir+ nor descriptors nor detached mounts.
# Runs in the guest of tests/guest/run, for tests/guest_old_kernel_test.sh.
# shellcheck source=tests/lib.sh disable=SC2154
. "$(dirname -- "$0")/../lib.sh"
ROOT=$(cd -- "$(dirname -- "$0")/../.." && pwd)
LXC_BDEV=$ROOT/build/lxc-bdev

setUpEach() {
	[ -e "$SCRATCH/base.img" ] || make_image "$SCRATCH/base.img" ext4 16
	mkdir target upper
}

base_image() { cp --sparse=always -- "$SCRATCH/base.img" "$1"; }

# mounted SPEC... - mount a stack on target.
mounted() {
	bdev mount "$@" target
	assert_status 0
}

# umounted - and with it everything ends: mounts, loop devices, records.
umounted() {
	bdev umount target
	assert_status 0
	all_is_gone
}
all_is_gone() {
	assertEquals 'mounts' '' "$(grep -F 't/target' /proc/self/mountinfo)"
	assertTrue 'a loop device is left' no_loops
	assertEquals 'records' '' "$(find /run/lxc-bdev -mindepth 1)"
}

# refuses TEXT SPEC... - with one line that says why, and without a trace.
refuses() {
	_why=$1
	shift
	bdev mount "$@" target
	assertNotEquals 'exit status' 0 "$status"
	assert_one_line "$_why"
}

# lowers N - directories l1 to lN, each with a file of its own and one of all; prints them as a source.
lowers() {
	seq -f l%g "$1" | xargs mkdir
	seq "$1" | while read -r _n; do
		echo "$_n" >"l$_n/own$_n"
		echo "$_n" >"l$_n/all"
		printf 'l%s:' "$_n"
	done
}

# The one below was written for: if this fails, the rest says nothing of old kernels.
testOverlayTakesItsLayersByMount2() {
	mkdir l1
	mounted overlay:l1:upper
	assertContains "$(grep ' overlay ' /proc/self/mountinfo)" 'lowerdir='
	assertNotContains "$(grep ' overlay ' /proc/self/mountinfo)" 'lowerdir+='
	umounted
}

# An administrator would look for what is wrong.
testTheKernelsLogSaysNothingOfAMountThatGoesWell() {
	mkdir l1
	dmesg >before
	mounted dir:l1,ro overlay:upper
	umounted
	dmesg | diff before - >after
	assertEquals '' "$(grep -i overlay after)"
}

testDirIsTheDirectory() {
	mkdir data
	mounted dir:data
	echo new >target/file
	assertEquals new "$(cat data/file)"
	umounted
}

testDirReadOnlyRefusesWriting() {
	mkdir data
	mounted dir:data,ro
	assertFalse 'wrote' 'touch target/file'
	assertTrue 'the directory itself is writable' 'touch data/file'
	umounted
}

testDirOnTheHostIsBoundWithoutWhatIsMountedBelowIt() {
	mkdir -p data/sub
	mount -t tmpfs tmpfs data/sub
	echo below >data/sub/file
	mounted dir:data,ro
	assertEquals '' "$(ls target/sub)"
	assertFalse 'wrote' 'touch target/sub/new'
	umount data/sub
	bdev umount target
	assert_status 0
	all_is_gone
}

testLoopKeepsWhatIsWritten() {
	base_image i.img
	mounted loop:i.img
	assertEquals "$HERE/i.img" "$(losetup --list --noheadings --output BACK-FILE)"
	echo new >target/file
	umounted
	mounted loop:i.img,ro
	assertEquals new "$(cat target/file)"
	umounted
}

testLoopReadOnlyLeavesTheImageAsItIs() {
	base_image i.img
	before=$(md5sum <i.img)
	mounted loop:i.img,ro
	assertEquals base "$(cat target/etc/marker)"
	assertFalse 'wrote' 'touch target/file'
	umounted
	assertEquals "$before" "$(md5sum <i.img)"
}

# every_file_system FSTYPE - an image of it, read-only.
every_file_system() {
	make_image i.img "$1"
	mounted loop:i.img,ro
	assertEquals base "$(cat target/etc/marker)"
	assertContains "$(findmnt -no FSTYPE,OPTIONS target)" "$1"
	assertFalse 'wrote' 'touch target/file'
	assertEquals 'loop devices' 1 "$(loops)"
	umounted
}
testLoopMountsXfs() { every_file_system xfs; }
testLoopMountsBtrfs() { every_file_system btrfs; }
testLoopMountsSquashfs() { every_file_system squashfs; }
testErofsFallsBackToALoopDevice() { every_file_system erofs; }

testTwoReadersShareOneImage() {
	base_image i.img
	mkdir other
	mounted loop:i.img,ro
	bdev mount loop:i.img,ro other
	assert_status 0
	assertEquals base "$(cat other/etc/marker)"
	bdev umount other
	assertEquals 'still there' base "$(cat target/etc/marker)"
	umounted
}

testSecondWriterIsRefused() {
	base_image i.img
	mkdir other
	mounted loop:i.img
	for mode in '' ,ro; do
		bdev mount "loop:i.img$mode" other
		assert_status 1
		assert_one_line i.img 'is in use' "$HERE/target"
	done
	umounted
}

testQemuIsKeptFromAMountedImage() {
	base_image i.img
	mounted loop:i.img
	assertFalse 'QEMU wrote' 'qemu-io -f raw -c "write 0 512" i.img >/dev/null 2>&1'
	umounted
	assertTrue 'QEMU writes when it is umounted' 'qemu-io -f raw -c "write 8M 512" i.img >/dev/null'
}

testAnImageThatQemuHasIsRefused() {
	base_image i.img
	mkfifo commands
	qemu-io -f raw i.img <commands >opened 2>&1 &
	exec 9>commands
	echo 'read 0 512' >&9
	eventually grep -q 'read 512' opened
	refuses QEMU loop:i.img
	refuses QEMU loop:i.img,ro
	exec 9>&-
	wait
	mounted loop:i.img
	umounted
}

testWritesGoToTheTmpfsAboveAReadOnlyImage() {
	base_image i.img
	before=$(md5sum <i.img)
	mounted loop:i.img,ro tmpfs:.,size=1m overlay:delta
	echo new >target/etc/marker
	rm -r target/bin
	assertEquals new "$(cat target/etc/marker)"
	assertFalse 'more than its size' 'dd if=/dev/zero of=target/big bs=1M count=2 2>/dev/null'
	assertFalse 'there is something on disk' '[ -e delta ]'
	umounted
	assertEquals "$before" "$(md5sum <i.img)"
}

# overlay_of N - lowers, all of which are seen, the first on top.
overlay_of() {
	mounted "overlay:$(lowers "$1")upper"
	assertEquals 'lowers that are seen' "$1" "$(find target -name 'own*' | wc -l)"
	assertEquals 'the uppermost' 1 "$(cat target/all)"
	echo new >target/file
	assertEquals new "$(cat upper/file)"
	umounted
}
testOverlayOf2Lowers() { overlay_of 2; }
testOverlayOf64Lowers() { overlay_of 64; }
testOverlayOf500Lowers() { overlay_of 500; }
testOverlayOf501LowersIsRefused() { refuses '501 lowers' "overlay:$(lowers 501)upper"; }

# Their names together are far more than mount(2) takes.
testOverlayOfLowersWithLongPaths() {
	long=$(printf '%0200d' 0)
	source=''
	for n in $(seq 30); do
		dir=$long/$long/$long/$n
		mkdir -p "$dir"
		touch "$dir/own$n"
		source=$source$dir:
	done
	mounted "overlay:${source}upper"
	assertEquals 'lowers that are seen' 30 "$(find target -name 'own*' | wc -l)"
	umounted
}

testOverlayOfPathsWithSpecialCharacters() {
	mkdir 'a:b' 'c,d' 'e f' 'g\h' 'u:,p r' 'w:,k s'
	for dir in 'a:b' 'c,d' 'e f' 'g\h'; do
		touch "$dir/own $dir"
	done
	mounted 'overlay:a\:b:c\,d:e f:g\\h:u\:\,p r,work=w\:\,k s'
	assertEquals 'lowers that are seen' 4 "$(find target -name 'own*' | wc -l)"
	touch target/file
	assertTrue 'in the upper' '[ -e "u:,p r/file" ]'
	umounted
}

testOverlayOnATargetWithABlank() {
	mkdir 'my target' l1
	bdev mount overlay:l1:upper 'my target'
	assert_status 0
	bdev umount 'my target'
	assert_status 0
	all_is_gone
}

testOverlayOfTwoImages() {
	mkdir tree
	echo above >tree/above
	base_image low.img
	make_image high.img squashfs 16 tree
	mounted loop:low.img,ro loop:high.img overlay:upper
	assertEquals base "$(cat target/etc/marker)"
	assertEquals above "$(cat target/above)"
	assertEquals 'loop devices' 2 "$(loops)"
	touch target/file
	umounted
}

testOverlayOverOverlay() {
	mkdir low upper2
	echo low >low/file
	mounted overlay:low:upper overlay:upper2
	assertEquals low "$(cat target/file)"
	echo new >target/file
	assertEquals new "$(cat upper2/file)"
	assertFalse 'the overlay below was written' '[ -e upper/file ]'
	umounted
}

testThreeOverlaysOnEachOtherAreRefused() {
	mkdir low upper2 upper3
	refuses 'the kernel allows' overlay:low:upper overlay:upper2 overlay:upper3
	all_is_gone
}

testUpperInUseIsRefused() {
	mkdir low other
	mounted overlay:low:upper
	bdev mount overlay:low:upper,work=w2 other
	assert_status 1
	assert_one_line upper 'in use' "$HERE/target"
	umounted
}

# The claim is still there then, and is not believed.
testUpperOfAMountThatEndedByItselfIsFree() {
	mkdir low other
	mounted overlay:low:upper
	umount target
	bdev mount overlay:low:upper other
	assert_status 0
	touch other/file
	bdev umount other
	assert_status 0
	assertTrue 'no journal but that of the first' '[ -e upper/file ]'
	bdev umount target
	all_is_gone
}

testOverlayReadOnlyIsReadOnly() {
	mkdir low
	echo low >low/file
	echo up >upper/new
	mounted overlay:low:upper,ro
	assertEquals 'low up' "$(cat target/file) $(cat target/new)"
	assertFalse 'wrote' 'touch target/more'
	umounted
}

testVolatileIsVolatile() {
	mkdir low
	mounted overlay:low:upper,volatile
	assertContains "$(findmnt -no OPTIONS target)" volatile
	umounted
}

# Killed at each of the calls that make or move a mount. The stage is a private namespace, so the kernel takes back all.
testKilledAtAnyMountCallNothingIsLeft() {
	base_image i.img
	mkdir low
	calls='fsmount move_mount setns mount'
	kills=0
	for call in $calls; do
		n=1
		while [ "$n" -lt 20 ]; do
			strace -o /dev/null -e "inject=$call:signal=KILL:when=$n" \
				"$LXC_BDEV" mount loop:i.img tmpfs:. overlay:low:delta target 2>err && break
			kills=$((kills + 1))
			n=$((n + 1))
			# The very last one attaches the finished stack: then all of it is there, and umount takes it off.
			if mountpoint -q target; then
				assertEquals 'attached by' move_mount "$call"
				umount target
			fi
			assertTrue "killed at $call $n: a loop device is left" 'eventually no_loops'
			assertEquals "killed at $call $n: mounts" '' "$(grep -e ^lxc-bdev -e ^/dev/loop /proc/self/mounts)"
		done
		assertEquals "after $call: $(cat err)" 0 "$(bdev umount target; echo "$status")"
	done
	assertTrue "kills: $kills" "[ $kills -ge 10 ]"
	all_is_gone
}

# lxc-attach of LXC 5.0 starts itself anew from memory, which fails on 5.10 on the guest's root: there it is entered by hand.
case $(uname -r) in
5.10.*)
	inside() {
		_init=$(lxc info "$1" -pH)
		shift
		run nsenter -t "$_init" -m -u -i -n -p -r -w -- "$@"
	}
	reboot() {
		_before=$(lxc info "$1" -pH)
		inside "$1" /bin/busybox reboot -f
		eventually rebooted "$1" "$_before"
	}
	;;
esac

testAContainerStartsWritesRebootsAndStops() {
	container c1 loop:base.img,ro tmpfs:.,size=16m overlay:delta0
	base_image "$LXCPATH/c1/base.img"
	before=$(md5sum <"$LXCPATH/c1/base.img")
	start c1
	assert_status 0
	inside c1 /bin/sh -c 'echo written >/root/new && cat /root/new /etc/marker'
	assertEquals 'written
base' "$out"
	assertTrue 'rebooted' 'reboot c1'
	inside c1 /bin/cat /root/new
	assertEquals 'after the reboot' written "$out"
	bdev mount "loop:$LXCPATH/c1/base.img" target
	assert_status 1
	assert_one_line 'is in use' c1
	assertEquals 'seen by the host' '' "$(grep -e ^lxc-bdev -e ^/dev/loop /proc/self/mounts)"
	stop c1
	assertEquals 'the image' "$before" "$(md5sum <"$LXCPATH/c1/base.img")"
	all_is_gone
}

testAContainerWritesToItsImage() {
	container c1 loop:base.img
	base_image "$LXCPATH/c1/base.img"
	start c1
	assert_status 0
	inside c1 /bin/sh -c 'echo written >/root/new'
	stop c1
	all_is_gone
	mounted "loop:$LXCPATH/c1/base.img,ro"
	assertEquals written "$(cat target/root/new)"
	umounted
}

testOfAKilledMonitorNothingIsLeft() {
	container c1 loop:base.img,ro overlay:delta0
	base_image "$LXCPATH/c1/base.img"
	start c1
	assert_status 0
	kill -9 "$(recorded c1 owner 4)"
	assertTrue 'a loop device is left' 'eventually no_loops'
	start c1
	assertEquals "start again: $err" 0 "$status"
	stop c1
	all_is_gone
}

# shellcheck source=/dev/null
. shunit2
