#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# After ^C, SIGTERM or a full disk, lxc-create and lxc-copy leave nothing, or leftovers that doctor lists and --fix removes.
# shellcheck disable=SC2016,SC2034 # shunit2 expands what is in single quotes
# shellcheck source=tests/lib.sh disable=SC2154
. "$(dirname -- "$0")/lib.sh"
# shellcheck source=tests/clone.sh
. "$(dirname -- "$0")/clone.sh"

doctor() { bdev doctor -P "$LXCPATH" "$@"; }
much() { mkdir "$LXCPATH/c1/delta0" "$LXCPATH/c1/delta0/d" && (cd "$LXCPATH/c1/delta0/d" && seq 40000 | xargs touch); }

# interrupt SIGNAL WHO WHEN COMMAND... - run it, and send the signal to `all` of it (as ^C does) or to LXC `alone` when
# the file WHEN exists. (Background processes of a shell ignore SIGINT by default.)
interrupt() {
	_signal=$1 _who=$2 when=$3
	shift 3
	env --default-signal=INT setsid "$@" >interrupt.out 2>&1 &
	_group=$!
	assertTrue 'it is at work' 'eventually [ -e "$when" ]'
	doctor
	assertNotContains 'what is at work is not left' "$out" container
	if [ "$_who" = all ]; then kill "-$_signal" "-$_group"; else kill "-$_signal" "$_group"; fi
	wait "$_group"
	assertNotEquals 0 $?
	assertTrue 'all of it ends' 'eventually nobody "$_group"'
}
nobody() { ! pgrep -s "$1" >/dev/null; }

# assert_cleared DIR NAME - doctor lists it, --fix removes it, and nothing is left.
assert_cleared() {
	doctor
	assert_status 1
	assertEquals "container '$2' ($1) was interrupted while it was made" "$out"
	doctor --fix
	assert_status 0
	assertEquals "container '$2' ($1) was interrupted while it was made: removed" "$out"
	assertFalse 'it is gone' "[ -e '$1' ]"
	doctor
	assertEquals '0 ' "$status $out"
}

testAnInterruptedCopy() {
	stored c1 stack
	much
	for how in 'INT all' 'TERM all' 'INT alone' 'KILL alone'; do
		# shellcheck disable=SC2086 # two words
		interrupt $how "$LXCPATH/c2/.delta0.part" lxc-copy -P "$LXCPATH" -n c1 -N c2
		assert_cleared "$LXCPATH/c2" c2
	done
	begin c1
	end c1
	assert_nothing_left
}

testAnInterruptedSnapshot() {
	stored c1 stack
	much
	interrupt INT all "$LXCPATH/c1/snaps/snap0/.delta0.part" lxc-snapshot -P "$LXCPATH" -n c1
	assert_cleared "$LXCPATH/c1/snaps/snap0" snap0
	assertTrue 'what it was made of is there' '[ -e "$LXCPATH/c1/i.img" ]'
}

# interrupt_convert SIGNAL PART ARGUMENT... - run lxc-bdev convert, and send it the signal when a file matches PART.
interrupt_convert() {
	_signal=$1 when=$2
	shift 2
	env --default-signal=INT "$LXC_BDEV" convert "$@" 2>"$SCRATCH/stderr" >out &
	_pid=$!
	assertTrue 'it is at work' 'eventually sh -c "[ -e $when ]"'
	kill "-$_signal" $_pid
	status=0
	wait $_pid || status=$?
	err=$(cat "$SCRATCH/stderr")
}

testAnInterruptedConversion() {
	mkdir -p d/upper/many
	(cd d/upper/many && seq 60000 | xargs touch)
	touch d/upper/.wh.gone
	find d/upper | sort >before
	for signal in INT TERM HUP; do
		interrupt_convert $signal 'd/.upper.lxc-bdev-convert/*/many' overlay d/upper
		assert_status 1
		assert_one_line "convert '$HERE/d/upper': interrupted; nothing was changed, and nothing is left"
		assertEquals 'beside it' upper "$(ls -A d)"
		interrupt_convert $signal d/.other.lxc-bdev-part/many overlay d/upper --to d/other
		assert_status 1
		assert_one_line 'interrupted; nothing was changed'
		assertEquals 'beside it' upper "$(ls -A d)"
		assertTrue 'as it was' 'find d/upper | sort | cmp -s - before'
	done
	# After SIGKILL, the next conversion removes the leftovers.
	interrupt_convert KILL 'd/.upper.lxc-bdev-convert/*/many' overlay d/upper
	assertEquals 'beside it' '.upper.lxc-bdev-convert upper' "$(ls -A d | tr '\n' ' ' | sed 's/ $//')"
	bdev convert overlay d/upper
	assert_status 0
	assertEquals 'beside it' upper "$(ls -A d)"
	assertTrue 'a whiteout' '[ -c d/upper/gone ]'
	rm -r d
}

with_template() {
	install_template template "$HERE"
	bdev_conf >/dev/null
	: >common.conf
	mkdir big
	head -c 200M /dev/zero >big/file
	tar -cf big.tar -C big .
}
create() { set -- lxc-create -P "$LXCPATH" -n c1 -t "$HERE/template" -- "$@" --tarball "$HERE/big.tar"; "$@"; }

testAnInterruptedCreate() {
	with_template
	for how in 'INT all' 'TERM all' 'INT alone' 'KILL alone'; do
		# shellcheck disable=SC2086 # two words
		interrupt $how "$LXCPATH/c1/rootfs.img" lxc-create -P "$LXCPATH" -n c1 -t "$HERE/template" -- \
			--store loop,size=400M --tarball "$HERE/big.tar"
		assertFalse "$how: its store is gone" '[ -e "$LXCPATH/c1/rootfs.img" ]'
		assert_cleared "$LXCPATH/c1" c1
	done
	assert_nothing_left
	run create --store loop,size=400M
	assertEquals "$err" 0 "$status"
	assertFalse 'it is whole' '[ -e "$LXCPATH/c1/.lxc-bdev.cloning" ]'
	doctor
	assertEquals '0 ' "$status $out"
}

testAFullDiskLeavesNothing() {
	with_template
	mkdir small
	mount -t tmpfs -o size=20m small small
	LXCPATH=$HERE/small run create --store dir
	assertNotEquals 0 "$status"
	assertEquals 'nothing' '' "$(ls -A small)"
	umount small
}

# shellcheck source=/dev/null
. shunit2
