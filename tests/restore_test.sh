#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# LXC destroys a container before it copies a snapshot over it: whatever would stop the copy must stop the destruction.
# shellcheck disable=SC2016,SC2034 # shunit2 expands what is in single quotes
# shellcheck source=tests/lib.sh disable=SC2154
. "$(dirname -- "$0")/lib.sh"
# shellcheck source=tests/clone.sh
. "$(dirname -- "$0")/clone.sh"

export LXC_BDEV_NBD=fuse

snapshot() { run lxc-snapshot -P "$LXCPATH" -n c1 "$@" -o "$HERE/snapshot.log" -l DEBUG; }
# What the destroy hook said, a line each; LXC breaks its log lines before what a hook prints.
said() { grep -o 'lxc-bdev: destroy: .*' "$HERE/snapshot.log"; }

# A container with a mark on it, and a snapshot of it from before.
with_snapshot() { # KIND
	stored c1 "$1"
	mark c1 first
	snapshot
	assert_status 0
	mark c1 second
}

# assert_not_restored TEXT... - the restore was refused in one line that has each TEXT, and the container is whole.
assert_not_restored() {
	assertNotEquals 'it is refused' 0 "$status"
	_said=$(said)
	assertEquals "lines: $_said" 1 "$(printf '%s\n' "$_said" | grep -c .)"
	for _text; do
		assertContains "$_said" "$_text"
	done
	begin c1
	has c1 first
	has c1 second
	end c1
	assert_nothing_left
}

# What takes a while to copy.
much_to_copy() { mkdir "$LXCPATH/c1/delta0/d" && (cd "$LXCPATH/c1/delta0/d" && seq 40000 | xargs touch); }
# interrupt PART COMMAND... - run it, and press ^C when PART is there, in the middle of the copy. (A shell lets what it
# runs in the background ignore SIGINT.)
interrupt() {
	part=$1
	shift
	env --default-signal=INT setsid "$@" >/dev/null 2>&1 &
	_group=$!
	assertTrue 'it is at work' 'eventually [ -e "$part" ]'
	kill -INT "-$_group"
	wait "$_group"
	assertTrue 'it was interrupted' '[ -e "$part" ]'
}
interrupted_snapshot() { # NAME
	much_to_copy
	interrupt "$LXCPATH/c1/snaps/$1/.delta0.part" lxc-snapshot -P "$LXCPATH" -n c1
}

testAnInterruptedSnapshotIsNotRestored() {
	stored c1 stack
	mark c1 first
	mark c1 second
	interrupted_snapshot snap0
	snapshot -r snap0
	assert_not_restored "cannot destroy 'c1': its snapshot '$LXCPATH/c1/snaps/snap0' is unfinished" \
		'lxc-snapshot -n c1 -d snap0'
	# The remedy works.
	snapshot -d snap0
	assert_status 0
	assertFalse 'it is gone' '[ -e "$LXCPATH/c1/snaps/snap0" ]'
	snapshot
	snapshot -r snap0
	assert_status 0
	begin c1
	has c1 second
	end c1
}

# LXC was killed before it ran the clone hook: there is no mark of ours, and nothing to see but that `ts` is missing.
testASnapshotThatLxcDidNotFinishIsNotRestored() {
	with_snapshot stack
	snap=$LXCPATH/c1/snaps/snap0
	rm -r "$snap/ts" "$snap/i.img" "$snap/delta0"
	snapshot -r snap0
	assert_not_restored "'$snap' is unfinished"
}

testAnotherSnapshotIsNotRestoredWhileOneIsUnfinished() {
	with_snapshot stack
	interrupted_snapshot snap1
	snapshot -r snap0
	assert_not_restored "'$LXCPATH/c1/snaps/snap1' is unfinished"
}

# It may be made of the container at this moment.
testWhatCannotBeReadOfASnapshotRefuses() {
	with_snapshot stack
	rm "$LXCPATH/c1/snaps/snap0/ts"
	run strace -f -o /dev/null -e trace=lstat,newfstatat,faccessat2 -P "$LXCPATH/c1/snaps/snap0/ts" \
		-e inject=lstat,newfstatat:error=EIO "$LXC_BDEV_HOOK" destroy --name c1 --config "$LXCPATH/c1/config" --rootfs "dir:$LXCPATH/c1/rootfs"
	assert_status 1
	assert_one_line "cannot destroy 'c1': look whether its snapshot '$LXCPATH/c1/snaps/snap0' is finished: Input/output error"
}

testASnapshotWithoutItsImageIsNotRestored() {
	with_snapshot stack
	rm "$LXCPATH/c1/snaps/snap0/i.img"
	snapshot -r snap0
	assert_not_restored "'$LXCPATH/c1/snaps/snap0/i.img': No such file"
}

testASnapshotThatRunsIsNotRestored() {
	with_snapshot stack
	lxc-start -P "$LXCPATH/c1/snaps" -n snap0
	snapshot -r snap0
	assertTrue 'the container is there' '[ -e "$LXCPATH/c1/i.img" ]'
	lxc-stop -P "$LXCPATH/c1/snaps" -n snap0 -k
	assert_not_restored "snapshot '$LXCPATH/c1/snaps/snap0' runs as a container"
	# Another one can be restored in the meantime.
	snapshot
	lxc-start -P "$LXCPATH/c1/snaps" -n snap0
	snapshot -r snap1
	assert_status 0
	lxc-stop -P "$LXCPATH/c1/snaps" -n snap0 -k
}

testASnapshotWhoseImageIsInUseIsNotRestored() {
	with_snapshot loop
	mkdir m
	bdev mount "loop:$(printf '%s' "$LXCPATH" | sed 's/ /\\ /g')/c1/snaps/snap0/i.img" m
	assert_status 0
	snapshot -r snap0
	refused=$status
	bdev umount m
	status=$refused
	assert_not_restored 'open for writing'
}

# The place of LXC before 1.0, which it still uses where it exists.
testSnapshotsBesideTheLxcpathAreRestored() {
	mkdir "${LXCPATH}snaps"
	with_snapshot stack
	snapshot -r snap0
	assertEquals "restored: $(grep -o 'lxc-bdev: .*' snapshot.log)" 0 "$status"
	begin c1
	has c1 first
	has_not c1 second
	end c1
	rm "${LXCPATH}snaps/c1/snap0/ts"
	mark c1 second
	snapshot -r snap0
	assert_not_restored "'${LXCPATH}snaps/c1/snap0' is unfinished"
}

# A program that is not lxc-snapshot, and a container that is called as the snapshot.
testAnUnknownProgramRestoresTheRightOne() {
	with_snapshot stack
	stored snap0 stack
	mark snap0 of-a-stranger
	cp "$(command -v lxc-snapshot)" my-snapshot
	run ./my-snapshot -P "$LXCPATH" -n c1 -r snap0 -o "$HERE/snapshot.log" -l DEBUG
	assertEquals "restored: $(grep -o 'lxc-bdev: .*' snapshot.log)" 0 "$status"
	begin c1
	has c1 first
	has_not c1 second
	has_not c1 of-a-stranger
	end c1
}

testARestoreUnderAnotherNameDestroysNothing() {
	with_snapshot stack
	stored c2 stack
	mark c2 of-c2
	snapshot -r snap0 -N c2
	assertNotEquals 'the name is taken' 0 "$status"
	begin c2
	has c2 of-c2
	end c2
	rm "$LXCPATH/c1/snaps/snap0/i.img"
	snapshot -r snap0 -N c3
	assertNotEquals 'it cannot be copied' 0 "$status"
	assertTrue 'the half of it is gone' 'gone c3'
	begin c1
	has c1 second
	end c1
}

# What is unfinished is destroyed with the rest.
testDestroyingWithSnapshotsTakesTheUnfinishedAlong() {
	with_snapshot stack
	interrupted_snapshot snap1
	destroy c1 -s
	assertTrue 'all is gone' 'gone c1'
}

# A restore that was interrupted is repeated: the half container may go, the snapshot is whole.
testAnInterruptedRestoreCanBeRepeated() {
	stored c1 stack
	mark c1 first
	much_to_copy
	snapshot
	assert_status 0
	interrupt "$LXCPATH/c1/.delta0.part" lxc-snapshot -P "$LXCPATH" -n c1 -r snap0
	start c1
	assertNotEquals 'it is no whole container' 0 "$status"
	snapshot -r snap0
	assertEquals "restored: $(grep -o 'lxc-bdev: .*' snapshot.log)" 0 "$status"
	begin c1
	has c1 first
	end c1
}

testAKilledRenameLosesNothing() {
	stored c1 stack
	mark c1 first
	much_to_copy
	interrupt "$LXCPATH/c2/.delta0.part" lxc-copy -P "$LXCPATH" -n c1 -N c2 -R
	begin c1
	has c1 first
	end c1
	destroy c2
	copy -n c1 -N c2 -R
	assert_status 0
	begin c2
	has c2 first
	end c2
}

# shellcheck source=/dev/null
. shunit2
