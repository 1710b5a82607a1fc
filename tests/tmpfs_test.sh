#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# tmpfs: memory for what lies above it.
# shellcheck source=tests/lib.sh
. "$(dirname -- "$0")/lib.sh"

setUpEach() {
	mkdir m lower
	echo content >lower/marker
}

mount_on_tmpfs() { # OPTIONS
	bdev mount dir:lower,ro "tmpfs:.$1" overlay:delta m
}

assert_refused() { # TEXT...
	assert_status 1
	assert_one_line "$@"
	assertTrue 'nothing is left' nothing_left
}

assert_malformed() { # TEXT...
	assert_status 2
	assert_one_line "$@"
	assertTrue 'nothing is left' nothing_left
}

testSizeIsTheLimit() {
	mount_on_tmpfs ,size=1m
	assert_status 0
	run sh -c 'head -c 2M /dev/zero >m/big'
	assertContains "$err" 'No space left on device'
	assertTrue 'the limit is 1 MiB' "[ $(stat -c %s m/big) -gt 900000 ] && [ $(stat -c %s m/big) -le 1048576 ]"
	assertTrue 'after deleting there is room again' 'rm m/big && echo new >m/new'
}

testSizeAsAPercentage() {
	mount_on_tmpfs ,size=1%
	assert_status 0
	memory=$(awk '/^MemTotal/ {print $2}' /proc/meminfo)
	size=$(df --output=size m | tail -n 1)
	assertTrue "$size of $memory" "[ $size -gt $((memory / 110)) ] && [ $size -lt $((memory / 90)) ]"
}

testNrInodesIsTheLimit() {
	mount_on_tmpfs ,nr_inodes=20
	assert_status 0
	# shellcheck disable=SC2016 # for the inner shell
	run sh -c 'for i in $(seq 40); do touch "m/f$i" || exit; done'
	assertContains "$err" 'No space left on device'
}

testModeIsOfTheTmpfsAlone() {
	chmod 0711 lower
	run strace -e trace=fsconfig "$LXC_BDEV" mount dir:lower,ro tmpfs:.,mode=0700 overlay:delta m
	assert_status 0
	assertContains "$err" '"mode", "0700"'
	assertEquals 'the root has the mode of the lower' 711 "$(stat -c %a m)"
}

# The kernel's own default lets everybody write to it.
testTheModeIs0755UnlessSaid() {
	run strace -e trace=fsconfig "$LXC_BDEV" mount dir:lower,ro tmpfs:. overlay:delta m
	assert_status 0
	assertContains "$err" '"mode", "0755"'
}

testNothingIsWrittenToTheDisk() {
	find . | sort >before
	mount_on_tmpfs ''
	echo new >m/new
	find . -xdev ! -name before ! -path './m/*' | sort >"$SCRATCH/during"
	sort before | grep -v before | diff - "$SCRATCH/during"
	assertEquals 'no upper on the disk' 0 $?
	bdev umount m
	assertEquals 'the lower' marker "$(ls lower)"
	mount_on_tmpfs ''
	assertFalse 'each mount begins empty' '[ -e m/new ]'
}

testImagesAndLowersByRelativePathResolveBelow() {
	make_image base.img ext4 8 "$PWD/lower"
	mkdir lower2 && echo two >lower2/marker2
	bdev mount loop:base.img,ro tmpfs:. overlay:lower2:delta m
	assert_status 0
	assertEquals 'content two' "$(cat m/marker m/marker2 | paste -sd ' ')"
}

# A type above the tmpfs in the stack still finds its source below it.
testImageNamedAboveTheTmpfsResolvesBelow() {
	make_image base.img ext4 8 "$PWD/lower"
	bdev mount tmpfs:. loop:base.img,ro overlay:delta m
	assert_status 0
	assertEquals content "$(cat m/marker)"
}

testTmpfsOverAnotherDirectory() {
	mkdir scratch
	bdev mount dir:lower,ro tmpfs:scratch,size=1m overlay:scratch/delta m
	assert_status 0
	echo new >m/new
	assertEquals 'nothing on the disk' '' "$(ls scratch)"
	bdev umount m
	bdev mount dir:lower,ro "tmpfs:$HERE/scratch" "overlay:$HERE/scratch/a/b/delta" m
	assert_status 0
	assertEquals 'nothing on the disk' '' "$(ls scratch)"
}

testUpperElsewhereStaysOnTheDisk() {
	mkdir scratch upper
	bdev mount dir:lower,ro tmpfs:scratch overlay:scratch/delta m
	assert_status 0
	bdev umount m
	bdev mount dir:lower,ro tmpfs:scratch overlay:upper m
	assert_refused "no upper above it is in '$HERE/scratch'"
}

testNoLimitIsNotALimit() {
	mount_on_tmpfs ,size=0
	assert_malformed 'size=0 would mean no limit'
	mount_on_tmpfs ,size=000k
	assert_malformed 'would mean no limit'
	mount_on_tmpfs ,nr_inodes=0
	assert_malformed 'nr_inodes=0 would mean no limit'
}

testValuesThatCannotBeAreRefused() {
	for value in x 1x -1 '1 m' 1mm 1.5g 0x10; do
		mount_on_tmpfs ",size=$value"
		assert_malformed "size=$value: not bytes"
	done
	for value in x -1 1x 5%; do
		mount_on_tmpfs ",nr_inodes=$value"
		assert_malformed "nr_inodes=$value: not a number"
	done
	for value in 8 0799 rwx 00755 -1; do
		mount_on_tmpfs ",mode=$value"
		assert_malformed "mode=$value: not an octal mode"
	done
	mount_on_tmpfs ,keep=always
	assert_malformed "keep=always: not 'reboot' or 'no'"
}

# The kernel would let these wrap around: to a few bytes, or to no limit at all.
testNumbersThatWrapAroundAreRefused() {
	for value in 99999999999999999999 17179869184g 18446744073709551616 18014398509481984k; do
		mount_on_tmpfs ",size=$value"
		assert_malformed "size=$value is too large"
		mount_on_tmpfs ",nr_inodes=$value"
		assert_malformed "nr_inodes=$value is too large"
	done
}

testTmpfsThatNothingUsesIsRefused() {
	bdev mount dir:lower tmpfs:. m
	assert_refused "'tmpfs:.': no upper above it is in '$HERE'"
	bdev mount tmpfs:. m
	assert_refused "'tmpfs:.': no upper above it is in '$HERE'"
	bdev mount dir:lower,ro overlay:delta tmpfs:. m
	assert_status 1
}

testReadOnlyTmpfsIsRefused() {
	mount_on_tmpfs ,ro
	assert_malformed 'a tmpfs cannot be read-only'
}

testKeepMustAgree() {
	mkdir a b
	bdev mount dir:lower,ro tmpfs:a,keep=no tmpfs:b overlay:a/up overlay:b/up m
	assert_refused 'keep= conflicts'
}

testTwoTmpfs() {
	mkdir a b
	bdev mount dir:lower,ro tmpfs:a,size=1m tmpfs:b,size=2m overlay:a/up overlay:b/up m
	assert_status 0
	assertEquals 'the upper is on the second' 2048 "$(df --output=size m | tail -n 1 | tr -d ' ')"
}

testDirectoryThatIsNoneIsRefused() {
	echo text >file
	bdev mount dir:lower,ro tmpfs:file overlay:file/up m
	assert_refused "open directory 'file'" 'Not a directory'
	bdev mount dir:lower,ro tmpfs:a:b overlay:a/up m
	assert_malformed 'one directory only'
}

# shellcheck source=/dev/null
. shunit2
