#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# SIGKILL at every system call, and every important one failing: nothing may be left, and nothing lost.
# shellcheck source=tests/lib.sh
. "$(dirname -- "$0")/lib.sh"
export LSAN_OPTIONS=detect_leaks=0 # it does not work under ptrace

setUpEach() {
	mkdir m lower
	echo content >lower/marker
	make_image image ext4 8 "$PWD/lower"
}

# These are asked after each system call, so they start no process.
is_mounted() { [ -e m/marker ]; }
no_loop() {
	for _file in /sys/block/loop*/loop/backing_file; do
		read -r _image <"$_file" || continue
		case $_image in "$HERE"/*) return 1 ;; esac
	done 2>/dev/null
}
no_mount_nor_loop() { ! is_mounted && no_loop; }

# Both are true: what is mounted is whole, and if nothing is, no loop device is bound.
whole_or_nothing() {
	if is_mounted; then
		read -r _content <m/marker && [ "$_content" = content ]
	else
		eventually no_mount_nor_loop
	fi
}

# sweep COMMAND... - for each SWEEP-th N: kill it at its N-th system call, then call `check N`, until it lives to the end.
# `before` is called before each.
sweep() {
	swept=$((1 - SWEEP))
	while :; do
		before
		swept=$((swept + SWEEP))
		status=0
		"$ROOT/build/tests/tools/kill-at" $swept "$LXC_BDEV" "$@" 2>"$SCRATCH/stderr" || status=$?
		[ "$status" -eq 137 ] || break
		check
		[ "$__shunit_assertsFailed" -eq "$_failed_before" ] || return
	done
	assertEquals "after $swept calls: $(cat "$SCRATCH/stderr")" 0 "$status"
	assertTrue "it makes more calls than $swept" "[ $swept -gt 30 ]"
}

# After a killed mount: the same mount works, or the stack is there. SPEC...
check_mount() {
	whole_or_nothing
	assertTrue "killed at call $swept" $?
	if is_mounted; then
		mounted=$((mounted + 1))
	else
		"$LXC_BDEV" mount "$@" m
		assertTrue "mount after one killed at call $swept" $?
		whole_or_nothing
		assertTrue "content, call $swept" $?
	fi
	"$LXC_BDEV" umount m
	assertTrue "umount after a mount killed at call $swept" $?
	no_mount_nor_loop && no_record
	assertTrue "something is left after a mount killed at call $swept" $?
}

killed_mount() { # SPEC...
	specs=$*
	mounted=0
	before() { :; }
	# shellcheck disable=SC2086 # several specs, without blanks
	check() { check_mount $specs; }
	sweep mount "$@" m
	# There are but a few calls.
	assertTrue 'some were killed after the attach' "[ $mounted -gt 0 ] || [ $SWEEP -gt 1 ]"
	assertEquals 'mounts' "$HERE/m" "$(mounts_here)"
}

testMountOfReadOnlyImageTmpfsOverlayKilledAnywhere() {
	sum=$(md5sum <image)
	killed_mount loop:image,ro tmpfs:. overlay:delta
	assertEquals 'the image' "$sum" "$(md5sum <image)"
}

testMountOfAWritableImageKilledAnywhere() {
	killed_mount loop:image
	bdev umount m
	run e2fsck -fn image
	assert_status 0
}

testMountOfAnOverlayOnDiskKilledAnywhere() {
	killed_mount dir:lower,ro overlay:upper
}

# The older ways build in a mount namespace of their own.
testMountInTheStageKilledAnywhere() {
	LXC_BDEV_OVERLAY=mount
	export LXC_BDEV_OVERLAY
	killed_mount loop:image,ro overlay:upper
	unset LXC_BDEV_OVERLAY
}

testUmountKilledAnywhere() {
	before() {
		is_mounted || bdev mount loop:image m
		echo "$swept" >m/written
	}
	check() {
		whole_or_nothing
		assertTrue "killed at call $swept" $?
		! is_mounted || return 0
		bdev doctor --fix
		assertEquals "doctor after an umount killed at call $swept: $err" 0 "$status"
		last=$swept
	}
	sweep umount m
	assertTrue 'some were killed after the umount' "[ ${last-0} -gt 0 ]"
	assertTrue 'nothing is left' nothing_left
	run e2fsck -fn image
	assert_status 0
	assertEquals 'what was written' "$((swept - SWEEP))" "$(debugfs -R 'cat written' image 2>/dev/null)"
}

testUmountKilledIsRepeatedBySimplyCallingItAgain() {
	before() { is_mounted || bdev mount dir:lower,ro overlay:upper m; }
	check() {
		bdev umount m
		# 1: the killed one had come to its end.
		[ "$status" -eq 0 ] || assert_one_line 'nothing of lxc-bdev is mounted there'
		no_mount_nor_loop && no_journals
		assertTrue "something is left after call $swept" $?
	}
	sweep umount m
	assertTrue 'nothing is left' nothing_left
}

# fails SYSCALL ERRNO SPEC... - each time that the mount makes this call, let that one fail. Counts in $failures.
fails() {
	call=$1 errno=$2
	shift 2
	n=0
	while n=$((n + 1)); do
		: >trace
		run strace -o trace -e trace="$call" -e inject="$call:error=$errno:when=$n" "$LXC_BDEV" mount "$@" m
		grep -q INJECTED trace || break
		if [ "$status" -ne 0 ]; then
			assertContains "status, $call $n failing: $err" '1 3' "$status"
			assertEquals "lines, $call $n failing: $err" 1 "$(wc -l <"$SCRATCH/stderr")"
			assertTrue "mounted, $call $n failing: $(mounts_here)" no_mount_nor_loop
			failures=$((failures + 1))
		else # a call that it can do without
			assertEquals "content, $call $n failing" content "$(cat m/marker)"
			bdev umount m
			assert_status 0
		fi
		[ "$__shunit_assertsFailed" -eq "$_failed_before" ] || return
	done
	assertEquals "without a failure: $err" 0 "$status"
	bdev umount m
	assertTrue 'nothing is left' nothing_left
}

testEachCallThatFailsGivesOneLineAndLeavesNothing() {
	for call in openat2 open_tree fsopen fsconfig fsmount move_mount ioctl flock mkdir; do
		failures=0
		fails "$call" EIO loop:image dir:lower,ro tmpfs:. overlay:delta
		fails "$call" EIO dir:lower,ro overlay:upper
		assertTrue "no $call was needed" "[ $failures -gt 0 ]"
	done
}

testNoMemoryNoSpaceNoDescriptors() {
	failures=0
	# A sanitizer opens files of its own, at its start and its end.
	[ "${SAN-}" ] || fails openat2,openat,open EMFILE loop:image,ro overlay:upper
	fails fsconfig ENOMEM loop:image,ro overlay:upper
	fails write ENOSPC loop:image,ro overlay:upper
	fails mkdir,mkdirat ENOSPC loop:image,ro overlay:upper
	assertTrue "[ $failures -gt 0 ]"
}

testEachCallThatFailsInTheStage() {
	for way in string mount; do
		export LXC_BDEV_OVERLAY=$way
		for call in unshare fsconfig,mount open_tree move_mount mkdir; do
			failures=0
			fails "$call" EPERM loop:image,ro dir:lower,ro overlay:upper
			assertTrue "no $call was needed" "[ $failures -gt 0 ]"
		done
	done
	unset LXC_BDEV_OVERLAY
}

testDescriptorLimit() {
	mkdir l
	spec=overlay:$(for i in $(seq 100); do mkdir "l/$i" && printf 'l/%d:' "$i"; done)upper
	run prlimit --nofile=40 "$LXC_BDEV" mount "$spec" m
	assert_status 1
	assert_one_line 'Too many open files'
	assertTrue 'nothing is left' nothing_left
}

testMemoryLimitEndsItCleanly() {
	for kib in 2000 2400 2800 3200 3600 4000; do
		run prlimit --as=$((kib * 1024)) "$LXC_BDEV" mount loop:image m
		if [ "$status" -eq 0 ]; then
			bdev umount m
			assert_status 0
		fi
		assertTrue 'a mount or loop device is left' 'eventually no_mount_nor_loop'
	done
	bdev mount loop:image m
	assert_status 0
}

# shellcheck source=/dev/null
. shunit2
