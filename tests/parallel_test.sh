#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Many containers at once, and who may use one image or upper at a time.
# shellcheck disable=SC2016 # shunit2 expands what is in single quotes
# shellcheck source=tests/lib.sh
. "$(dirname -- "$0")/lib.sh"

tearDownEach() { [ -z "${holder-}" ] || kill "$holder" 2>/dev/null; }

# start_all NAME... - at once, and wait for all lxc-starts to return.
start_all() {
	printf '%s\n' "$@" >>"$SCRATCH/started"
	_pids=''
	for _name; do
		lxc-start -P "$LXCPATH" -n "$_name" -o "$LXCPATH/$_name.log" -l DEBUG >/dev/null 2>&1 &
		_pids="$_pids $!"
	done
	for _pid in $_pids; do
		wait "$_pid"
	done
}
stop_all() {
	_pids=''
	for _name; do
		stop "$_name" >/dev/null 2>&1 &
		_pids="$_pids $!"
	done
	for _pid in $_pids; do
		wait "$_pid"
	done
}
running() { # NAME... - those of them that run
	for _name; do
		is_running "$_name" && printf '%s\n' "$_name"
	done
}
names() { seq -f c%g "$1"; }
count() { printf '%s\n' "$1" | grep -c .; }

# --- many ---

testFortyEightContainersOfTheirOwnImagesStartAtOnce() {
	make_image base.img ext4 8
	# shellcheck disable=SC2046
	set -- $(names 48)
	for name; do
		container "$name" loop:root.img
		cp --sparse=always base.img "$LXCPATH/$name/root.img"
	done
	start_all "$@"
	assertEquals 'running' 48 "$(count "$(running "$@")")"
	assertEquals 'loop devices' 48 "$(loops)"
	for name; do
		lxc-attach -P "$LXCPATH" -n "$name" --clear-env -- /bin/sh -c 'echo "$0" >/root/who' "$name"
	done
	stop_all "$@"
	assert_nothing_left
	# Each wrote to its own.
	for name in c1 c17 c48; do
		mkdir -p mnt
		bdev mount "loop:$LXCPATH/$name/root.img,ro" mnt
		assertEquals "$name" "$(cat mnt/root/who)"
		bdev umount mnt
	done
}

testTwentyContainersShareOneReadOnlyImageStartedAtOnce() {
	make_image base.img ext4 8
	before=$(md5sum <base.img)
	# shellcheck disable=SC2046
	set -- $(names 20)
	for name; do
		container "$name" "loop:$HERE/base.img,ro" tmpfs:.,size=4m overlay:delta0
	done
	start_all "$@"
	assertEquals 'running' 20 "$(count "$(running "$@")")"
	for name; do
		lxc-attach -P "$LXCPATH" -n "$name" --clear-env -- /bin/sh -c 'echo "$0" >/root/who' "$name"
	done
	inside c1 /bin/cat /root/who
	assertEquals 'each sees its own' c1 "$out"
	inside c20 /bin/cat /root/who
	assertEquals 'each sees its own' c20 "$out"
	stop_all "$@"
	assertEquals 'the image' "$before" "$(md5sum <base.img)"
	assert_nothing_left
}

testOfTenStartsAtOnceOnOneWritableImageOneRuns() {
	make_image base.img ext4 8
	# shellcheck disable=SC2046
	set -- $(names 10)
	for name; do
		container "$name" "loop:$HERE/base.img"
	done
	start_all "$@"
	winner=$(running "$@")
	assertEquals "running: $winner" 1 "$(count "$winner")"
	assertEquals 'loop devices' 1 "$(loops)"
	# The losers' post-stops have done nothing to it.
	inside "$winner" /bin/sh -c 'echo still >/root/here && sync && cat /root/here'
	assertEquals still "$out"
	stop "$winner"
	assert_nothing_left
}

testOfFourStartsOfOneContainerAtOnceOneRuns() {
	container c1 loop:root.img overlay:delta0
	make_image "$LXCPATH/c1/root.img" ext4 8
	for _ in 1 2 3; do
		start_all c1 c1 c1 c1
		assertTrue 'it runs' 'is_running c1'
		inside c1 /bin/sh -c 'echo still >/root/here && cat /root/here'
		assertEquals still "$out"
		stop c1
		assert_nothing_left
	done
}

# --- two on one image ---

testSecondWriterOfAnImageIsRefused() {
	make_image base.img ext4 8
	container c1 "loop:$HERE/base.img"
	container c2 "loop:$HERE/base.img"
	start c1
	assert_status 0
	start c2
	assertNotEquals 0 "$status"
	assertContains "$(our_lines c2 pre-start)" "image '$HERE/base.img' is in use by container 'c1'"
	assertEquals 'in one line' 1 "$(count "$(our_lines c2 pre-start)")"
	stop c1
	start c2
	assert_status 0
}

testReaderOfAnImageThatIsWrittenIsRefusedAndTheOtherWayRound() {
	make_image base.img ext4 8
	container c1 "loop:$HERE/base.img"
	container c2 "loop:$HERE/base.img,ro"
	start c1
	assert_status 0
	start c2
	assertNotEquals 0 "$status"
	assertContains "$(our_lines c2 pre-start)" "image '$HERE/base.img' is in use for writing by container 'c1'"
	stop c1
	start c2
	assert_status 0
	start c1
	assertNotEquals 0 "$status"
	assertContains "$(our_lines c1 pre-start)" "image '$HERE/base.img' is in use by container 'c2'"
}

testTwoReadersOfAnImageShareIt() {
	make_image base.img ext4 8
	container c1 "loop:$HERE/base.img,ro"
	container c2 "loop:$HERE/base.img,ro"
	start c1
	start c2
	assert_status 0
	stop c1
	inside c2 /bin/cat /etc/marker
	assertEquals base "$out"
}

testAnotherNameOfAnImageIsTheSameImage() {
	make_image base.img ext4 8
	ln base.img hard.img
	ln -s base.img soft.img
	container c1 "loop:$HERE/base.img"
	container c2 "loop:$HERE/hard.img"
	container c3 "loop:$HERE/soft.img"
	start c1
	assert_status 0
	for name in c2 c3; do
		start "$name"
		assertNotEquals 0 "$status"
		assertContains "$(our_lines "$name" pre-start)" "in use by container 'c1'"
	done
}

# --- an image and QEMU's tools ---

testQemuIsRefusedTheImageOfARunningContainer() {
	make_image base.img ext4 8
	for spec in "loop:$HERE/base.img" "loop:$HERE/base.img,ro"; do
		container c1 "$spec"
		start c1
		assert_status 0
		run qemu-io -f raw -c 'write 0 512' base.img
		assertNotEquals "$spec" 0 "$status"
		assertContains "$err" '" lock'
		stop c1
	done
	run qemu-io -f raw -c 'read 0 512' base.img
	assert_status 0
}

testQemuMayReadWhatAContainerOnlyReads() {
	make_image base.img ext4 8
	container c1 "loop:$HERE/base.img,ro"
	start c1
	assert_status 0
	run qemu-io -r -f raw -c 'read 0 512' base.img
	assert_status 0
}

testContainerIsRefusedTheImageThatQemuWrites() {
	make_image base.img ext4 8
	qemu_holds base.img
	for spec in "loop:$HERE/base.img" "loop:$HERE/base.img,ro"; do
		container c1 "$spec"
		start c1
		assert_refused c1 "image '$HERE/base.img' is in use by QEMU or one of its tools"
		rm "$LXCPATH/c1.log"
	done
	kill "$holder"
	wait "$holder" 2>/dev/null
	holder=''
	start c1
	assert_status 0
}

testContainerMayReadWhatQemuOnlyReads() {
	make_image base.img ext4 8
	qemu_holds base.img -r
	container c1 "loop:$HERE/base.img,ro"
	start c1
	assert_status 0
}

# qemu_holds IMAGE [OPTION] - a qemu-io that has it open, in $holder.
qemu_holds() {
	mkfifo commands
	qemu-io ${2+"$2"} -f raw "$1" >qemu.out 2>&1 <commands &
	holder=$!
	exec 9>commands
	echo 'read 0 512' >&9
	eventually grep -q 'read 512' qemu.out
}

# --- two on one upper ---

testSecondWriterOfAnUpperIsRefused() {
	cp -a "$(shared_root)" lower
	mkdir upper
	container c1 "overlay:$HERE/lower:$HERE/upper"
	container c2 "overlay:$HERE/lower:$HERE/upper"
	start c1
	assert_status 0
	start c2
	assertNotEquals 0 "$status"
	assertEquals 'in one line' 1 "$(count "$(our_lines c2 pre-start)")"
	assertContains "$(our_lines c2 pre-start)" "upper '$HERE/upper' is in use by container 'c1'"
	inside c1 /bin/sh -c 'echo still >/root/here && cat /root/here'
	assertEquals still "$out"
}

testUpperOfAStoppedContainerIsFree() {
	cp -a "$(shared_root)" lower
	mkdir upper
	container c1 "overlay:$HERE/lower:$HERE/upper"
	container c2 "overlay:$HERE/lower:$HERE/upper"
	for name in c1 c2 c1; do
		start "$name"
		assert_status 0
		stop "$name"
	done
	assert_nothing_left
}

# shellcheck source=/dev/null
. shunit2
