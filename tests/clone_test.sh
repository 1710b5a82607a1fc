#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# lxc-copy, lxc-snapshot and lxc-destroy, as LXC's users type them, on each kind of store.
# shellcheck disable=SC2016 # shunit2 expands what is in single quotes
# shellcheck source=tests/lib.sh disable=SC2154
. "$(dirname -- "$0")/lib.sh"
# shellcheck source=tests/clone.sh
. "$(dirname -- "$0")/clone.sh"

export LXC_BDEV_NBD=fuse # tests/guest/clone_test.sh has the nbd devices

testAFullCopyOfADirectoryIsIndependent() { full_copy_is_independent dir; }
testAFullCopyOfAnImageIsIndependent() { full_copy_is_independent loop; }
testAFullCopyOfAStackIsIndependent() { full_copy_is_independent stack; }
testAFullCopyOfAQcow2IsIndependent() { full_copy_is_independent nbd; }

testASourceThatRunsOnADirectoryIsNotCopied() { running_source_is_not_copied dir; }
testASourceThatRunsOnAnImageIsNotCopied() { running_source_is_not_copied loop; }
testASourceThatRunsOnAStackIsNotCopied() { running_source_is_not_copied stack; }
testASourceThatRunsOnAQcow2IsNotCopied() { running_source_is_not_copied nbd; }

testASnapshotCloneStandsOnADirectory() { snapshot_clone_stands_on_the_source dir; }
testASnapshotCloneStandsOnAnImage() { snapshot_clone_stands_on_the_source loop; }
testASnapshotCloneStandsOnAStack() { snapshot_clone_stands_on_the_source stack; }
testASnapshotCloneStandsOnAQcow2() { snapshot_clone_stands_on_the_source nbd; }

testARunningWriterOnADirectoryExcludesReaders() { writer_and_reader_exclude_each_other dir; }
testARunningWriterOnAnImageExcludesReaders() { writer_and_reader_exclude_each_other loop; }
testARunningWriterOnAStackExcludesReaders() { writer_and_reader_exclude_each_other stack; }
testARunningWriterOnAQcow2ExcludesReaders() { writer_and_reader_exclude_each_other nbd; }

testTwentyEphemeralsOfAnImageAtOnceShareIt() { ephemerals_share loop 20; }
testEphemeralsOfAStackShareIt() { ephemerals_share stack 5; }
testEphemeralsOfADirectoryShareIt() { ephemerals_share dir 3; }
testEphemeralsOfAQcow2ShareIt() { ephemerals_share nbd 5; }

# LXC's own tmpfs.
testEphemeralsOnLxcsTmpfs() {
	needs_lxc_copy_e || return 0
	real=$LXCPATH
	unblank
	with_hostname
	stored c1 stack
	mark c1 first
	for n in e1 e2; do
		run lxc-copy -P "$LXCPATH" -n c1 -N "$n" -e -t
		assertTrue "it runs: $err" "is_running $n"
		has "$n" first
		hostname_inside "$n" "$n"
		inside "$n" touch "/of-$n"
	done
	has_not e1 of-e2
	stop e1
	stop e2
	assertTrue 'gone' 'eventually gone e1'
	assertTrue 'gone' 'eventually gone e2'
	begin c1
	has_not c1 of-e1
	end c1
	LXCPATH=$real
	assert_nothing_left
}

testSnapshotsOfADirectoryHoldAndRestore() { snapshots_hold_and_restore dir; }
testSnapshotsOfAnImageHoldAndRestore() { snapshots_hold_and_restore loop; }
testSnapshotsOfAStackHoldAndRestore() { snapshots_hold_and_restore stack; }
testSnapshotsOfAQcow2HoldAndRestore() { snapshots_hold_and_restore nbd; }

testARenameOfAnImageKeepsTheData() { rename_keeps_the_data loop; }
testARenameOfAStackKeepsTheData() { rename_keeps_the_data stack; }

# --- what the caller sees ---

# on_terminal COMMAND... - run it with a terminal of its own; $seen is what that has shown.
on_terminal() {
	printf '%s ' 'exec' >terminal.sh
	for _word; do
		printf "'%s' " "$_word"
	done >>terminal.sh
	script -q -e -c 'sh ./terminal.sh' /dev/null </dev/null >seen 2>&1
	status=$?
	seen=$(tr -d '\r' <seen)
}

testRefusalsOfCopySnapshotAndDestroyAreOnTheCallersTerminalOnce() {
	stored c1 loop
	printf 'bdev.clone = link\n' >>"$LXCPATH/c1/config"
	copy -n c1 -N c2
	assert_status 0
	mkdir "$LXCPATH/c2/mnt"
	mount -t tmpfs none "$LXCPATH/c2/mnt"
	on_terminal lxc-destroy -P "$LXCPATH" -n c2
	assertNotEquals "$seen" 0 "$status"
	assertEquals "$seen" 1 "$(printf '%s\n' "$seen" | grep -c "lxc-bdev: destroy: cannot destroy 'c2': '$LXCPATH/c2/mnt' is mounted")"
	umount "$LXCPATH/c2/mnt"
	run lxc-destroy -P "$LXCPATH" -n c2
	sed -i '/bdev.clone/d' "$LXCPATH/c1/config"
	mkdir m
	bdev mount "loop:$(printf '%s' "$LXCPATH" | sed 's/ /\\ /')/c1/i.img" m
	assert_status 0
	for command in 'lxc-copy -N c3' lxc-snapshot; do
		# shellcheck disable=SC2086 # words
		on_terminal $command -P "$LXCPATH" -n c1
		assertEquals "$seen" 1 "$(printf '%s\n' "$seen" | grep -c 'lxc-bdev: clone: .*cannot copy: ')"
	done
	bdev umount m
}

testWithoutATerminalRefusalsGoWhereLxcPutsThem() {
	stored c1 loop
	mkdir "$LXCPATH/c1/mnt"
	mount -t tmpfs none "$LXCPATH/c1/mnt"
	run setsid -w lxc-destroy -P "$LXCPATH" -n c1 -o "$HERE/log" -l DEBUG
	assertNotEquals 0 "$status"
	assertEquals 1 "$(grep -c 'lxc-bdev: destroy: ' log)"
	umount "$LXCPATH/c1/mnt"
}

# --- where the source is ---

testCloneToAnotherLxcpath() {
	stored c1 stack
	mark c1 first
	mkdir other
	copy -n c1 -N c1 -p "$HERE/other"
	assertEquals "$err" 0 "$status"
	assertTrue 'the image is there' '[ -e other/c1/i.img ]'
	# Two of one name: the second copy is of the one that was named, though their configs agree.
	LXCPATH=$HERE/other mark c1 second
	run lxc-copy -P "$HERE/other" -n c1 -N c3 -p "$LXCPATH"
	assert_status 0
	begin c3
	has c3 second
	end c3
	assert_nothing_left
}

testACloneOfC1DoesNotTakeC10ForIt() {
	stored c10 stack
	stored c1 stack
	mark c10 of-c10
	mark c1 of-c1
	copy -n c1 -N c11
	assert_status 0
	begin c11
	has c11 of-c1
	has_not c11 of-c10
	end c11
}

testWhatIsSharedIsNotCopied() {
	make_image shared.img ext4 32
	container c1 "loop:$HERE/shared.img,ro" overlay:delta0
	mark c1 first
	copy -n c1 -N c2
	assert_status 0
	assertEquals 'what it owns' '.lxc-bdev.hostname config delta0 rootfs' "$(cd "$LXCPATH/c2" && find . -mindepth 1 -maxdepth 1 ! -name '*.work' | sed 's|./||' | sort | xargs)"
	begin c1
	begin c2
	has c2 first
	end c1
	end c2
	destroy c1
	destroy c2
	assertTrue 'it is never deleted' '[ -e shared.img ]'
}

testASourceWhoseUpperIsOnATmpfsIsCopiedWhileItRuns() {
	make_image shared.img ext4 32
	container c1 "loop:$HERE/shared.img,ro" tmpfs:.,size=8m overlay:delta0
	begin c1
	copy -n c1 -N c2 --allowrunning
	assertEquals "$err $(grep lxc-bdev: copy.log)" 0 "$status"
	begin c2
	end c2
	end c1
	assert_nothing_left
}

testASourceThatWasNotFoundIsAnError() {
	stored c1 stack
	run "$LXC_BDEV_HOOK" clone --name c2 --source nobody --config "$LXCPATH/c1/config" --rootfs "dir:$LXCPATH/c1/rootfs"
	assert_status 1
	assert_one_line nobody 'cannot find the source'
}

# Two containers of one name with the same stack, and a program that nobody knows.
testAnUnknownProgramThatMayMeanSeveralIsRefused() {
	stored c1 loop
	mkdir other
	cp -a "$LXCPATH/c1" other/
	sed -i "s|$LXCPATH|$HERE/other|" other/c1/config
	cp "$(command -v lxc-copy)" my-copy
	run ./my-copy -P "$LXCPATH" -n c1 -N c2 -p "$HERE/other" -o "$HERE/copy.log" -l DEBUG
	assertNotEquals 0 "$status"
	assertContains "$(grep -o 'lxc-bdev: clone: .*' copy.log)" "ambiguous source of '"
	# With one that can be meant, it works.
	run ./my-copy -P "$LXCPATH" -n c1 -N c3
	assert_status 0
	assertTrue 'the image' '[ -e "$LXCPATH/c3/i.img" ]'
}

# LXC 6 can be built as one program for all of its commands.
testWhatLxcsOneProgramIsToldIsUnderstood() {
	stored c1 loop
	mkdir other
	cp -a "$LXCPATH/c1" other/
	sed -i "s|$LXCPATH|$HERE/other|" other/c1/config
	mark c1 of-c1
	cp "$(command -v lxc-copy)" lxc
	run ./lxc copy -P "$LXCPATH" -n c1 -N c2 -p "$HERE/other"
	assert_status 0
	run ./lxc copy -P "$LXCPATH" -n c1 -N c3 -R
	assert_status 0
	assertFalse 'it was renamed' '[ -e "$LXCPATH/c1" ]'
	cp "$(command -v lxc-snapshot)" lxc
	stored snap0 loop
	mark snap0 of-a-stranger
	run ./lxc snapshot -P "$LXCPATH" -n c3
	assert_status 0
	run ./lxc snapshot -P "$LXCPATH" -n c3 -r snap0
	assert_status 0
	begin c3
	has c3 of-c1
	has_not c3 of-a-stranger
	end c3
}

testARestoreDoesNotTakeAContainerThatIsCalledAsTheSnapshot() {
	stored c1 stack
	stored snap0 stack
	mark c1 of-c1
	mark snap0 of-a-stranger
	lxc-snapshot -P "$LXCPATH" -n c1
	run lxc-snapshot -P "$LXCPATH" -n c1 -r snap0
	assert_status 0
	begin c1
	has c1 of-c1
	has_not c1 of-a-stranger
	end c1
}

testACopyOfWhatWouldGoWithItsSourceIsRefused() {
	container c1 "dir:$LXCPATH/c1/tree,ro" overlay:delta0
	cp -a "$(shared_root)" "$LXCPATH/c1/tree"
	copy -n c1 -N c2 -R
	assert_copy_refused c2 "$LXCPATH/c1/tree" 'is destroyed with that'
	assertTrue 'it is there' '[ -e "$LXCPATH/c1/tree/bin/busybox" ]'
}

testWhatAnotherStandsOnIsNotDestroyed() {
	stored c1 stack
	container c2 "container:$LXCPATH/c1" overlay:delta0
	begin c2
	run lxc-destroy -P "$LXCPATH" -n c1
	assertNotEquals 0 "$status"
	has c2 bin/busybox
	end c2
	destroy c1
}

testARunningSnapshotCloneIsAWriter() {
	stored c1 stack
	copy -n c1 -N c2 -s
	assert_status 0
	container c3 "container:$LXCPATH/c2" overlay:delta0
	begin c2
	start c3
	assertNotEquals 'c3 would see it change' 0 "$status"
	end c2
	begin c3
	start c2
	assertNotEquals 'c2 would change it' 0 "$status"
	end c3
	begin c2
	end c2
}

testASnapshotCloneOfASnapshotCloneKeepsNobodyFromStarting() {
	stored c1 stack
	copy -n c1 -N c2 -s
	copy -n c2 -N c3 -s
	assert_status 0
	begin c2
	begin c3
	end c2
	end c3
}

testAContainerThatRunsByAnotherNameIsNotCopied() {
	stored c1 stack
	lxc-start -P "$LXCPATH" -n c9 -f "$LXCPATH/c1/config"
	copy -n c1 -N c2
	assert_copy_refused c2 "container 'c9' runs and writes"
	lxc-stop -P "$LXCPATH" -n c9 -k
}

testAnUpperThatMayBeDamagedIsNotCopied() {
	stored c1 stack
	sed -i 's/overlay:delta0/&,volatile/' "$LXCPATH/c1/config"
	mkdir -p "$LXCPATH/c1/delta0" "$LXCPATH/c1/delta0.work/work/incompat/volatile"
	copy -n c1 -N c2
	assert_copy_refused c2 'may be damaged'
}

# --- what is copied ---

testAnUpperIsCopiedWithEverything() {
	rm -f "$(shared_root)/etc/hostname" # or the copy would get its own
	stored c1 stack
	mark c1 first
	d=$LXCPATH/c1/delta0
	mknod "$d/whiteout" c 0 0
	mkdir "$d/opaque" "$d/sticky"
	setfattr -n trusted.overlay.opaque -v y "$d/opaque"
	chmod 1777 "$d/sticky"
	echo text >"$d/file"
	ln "$d/file" "$d/hard"
	ln -s /etc/passwd "$d/link"
	truncate -s 10M "$d/sparse"
	printf end >>"$d/sparse"
	mknod "$d/device" b 7 300
	mkfifo "$d/fifo"
	# Bits that a umask takes away.
	mkdir -m 0777 "$d/for-all"
	echo shared >"$d/for-all/file"
	mknod "$d/for-all/null" c 1 3
	chmod 0666 "$d/for-all/file" "$d/for-all/null"
	chown 1000:1001 "$d/file"
	chmod 4750 "$d/file"
	setfattr -n user.note -v hi "$d/file"
	setfacl -m u:1234:rw "$d/sparse"
	setcap cap_net_raw+ep "$d/hard" 2>/dev/null ||
		setfattr -n security.capability -v 0x0100000200200000000000000000000000000000 "$d/hard"
	touch -d '2001-02-03 04:05:06.789' "$d/file" "$d/opaque"
	touch -h -d '2002-02-03 04:05:06' "$d/link"
	copy -n c1 -N c2
	assertEquals "$err" 0 "$status"
	describe "$d" >before
	describe "$LXCPATH/c2/delta0" >after
	# Its own host name is the only difference there may be.
	assertEquals 'the same' "$(cat before)" "$(cat after)"
	assertTrue 'the hole is one' '[ "$(stat -c %b "$LXCPATH/c2/delta0/sparse")" -lt 100 ]'
}
describe() {
	(
		cd "$1" || exit
		find . -printf '%p %y %m %U %G %s %n %l %T@\n' | grep -v '^\. ' | sort
		find . -type b -o -type c | sort | xargs stat -c '%n %t %T'
		xattrs | grep -v origin
		find . -type f -exec cksum {} + | sort -k 3
		stat -c '%h %n' file hard
	)
}

testAnImageIsCopiedWithItsHoles() {
	stored c1 loop
	truncate -s 2G "$LXCPATH/c1/i.img"
	copy -n c1 -N c2
	assert_status 0
	assertEquals 'size' 2147483648 "$(stat -c %s "$LXCPATH/c2/i.img")"
	assertTrue 'blocks' '[ "$(stat -c %b "$LXCPATH/c2/i.img")" -lt 131072 ]'
}

# copy_has_uuid_of_its_own FSTYPE - and both run at once.
copy_has_uuid_of_its_own() {
	mkdir -p "$LXCPATH/c1"
	make_image "$LXCPATH/c1/i.img" "$1"
	container c1 loop:i.img
	copy -n c1 -N c2
	assertEquals "$err $(grep lxc-bdev: copy.log)" 0 "$status"
	assertNotEquals "$(blkid -p -s UUID -o value "$LXCPATH/c1/i.img")" "$(blkid -p -s UUID -o value "$LXCPATH/c2/i.img")"
	begin c1
	begin c2
	has c2 bin/busybox
	end c1
	end c2
	assert_nothing_left
}
testACopyOfAnXfsHasAUuidOfItsOwn() { copy_has_uuid_of_its_own xfs; }
testACopyOfABtrfsHasAUuidOfItsOwn() { copy_has_uuid_of_its_own btrfs; }

testAQcow2IsCopiedWithWhatItStandsOn() {
	stored c1 nbd
	mv "$LXCPATH/c1/i.qcow2" "$LXCPATH/c1/base.qcow2"
	(cd "$LXCPATH/c1" && qemu-img create -q -f qcow2 -b base.qcow2 -F qcow2 i.qcow2)
	copy -n c1 -N c2
	assertEquals "$err" 0 "$status"
	destroy c1
	begin c2
	end c2
	# By an absolute name, it would go on standing on the source's.
	stored c3 nbd
	mv "$LXCPATH/c3/i.qcow2" "$LXCPATH/c3/base.qcow2"
	qemu-img create -q -f qcow2 -b "$LXCPATH/c3/base.qcow2" -F qcow2 "$LXCPATH/c3/i.qcow2"
	copy -n c3 -N c4
	assert_copy_refused c4 'base.qcow2' 'backing file'
}

# --- failures ---

testADiskThatIsFullHalfWayLeavesTheSourceAlone() {
	stored c1 stack
	mark c1 first
	dd if=/dev/urandom of="$LXCPATH/c1/delta0/big" bs=1M count=8 status=none
	mkdir small
	mount -t tmpfs -o size=10m none small
	copy -n c1 -N c2 -p "$HERE/small"
	assertNotEquals 0 "$status"
	assertContains "$(grep -o 'lxc-bdev: clone: .*' copy.log)" 'No space left'
	assertFalse 'it is gone' '[ -e small/c2 ]'
	umount small
	begin c1
	has c1 first
	end c1
	assert_nothing_left
}

testAHookThatFailsAfterTheCopyTakesTheCloneAway() {
	stored c1 stack
	mark c1 first
	echo 'lxc.hook.clone = /bin/false' >>"$LXCPATH/c1/config"
	copy -n c1 -N c2
	assertNotEquals 0 "$status"
	assertTrue 'it is gone' 'gone c2'
	begin c1
	has c1 first
	end c1
	assert_nothing_left
}

# Whatever is killed, and when: the source is whole, and what there is of the clone can be destroyed.
testAKilledCopyLeavesTheSourceWholeAndNothingThatCannotBeDestroyed() {
	stored c1 stack
	mark c1 first
	mkdir "$LXCPATH/c1/delta0/d"
	(cd "$LXCPATH/c1/delta0/d" && seq 3000 | xargs touch)
	before=$(cksum <"$LXCPATH/c1/i.img")
	for ms in 1 3 5 8 12 16 20 30 40 60; do
		setsid lxc-copy -P "$LXCPATH" -n c1 -N c2 >/dev/null 2>&1 &
		group=$!
		sleep "$(printf '0.%03d' "$ms")"
		kill -KILL "-$group" 2>/dev/null
		wait "$group" 2>/dev/null
		assertEquals 'the source' "$before" "$(cksum <"$LXCPATH/c1/i.img")"
		[ ! -e "$LXCPATH/c2/config" ] || lxc-destroy -P "$LXCPATH" -n c2 2>/dev/null
		rm -rf -- "$LXCPATH/c2"
	done
	begin c1
	has c1 first
	end c1
	bdev doctor --fix
	assert_nothing_left
}

testAnInterruptedCopyNeverLooksWhole() {
	stored c1 stack
	mark c1 first
	mkdir "$LXCPATH/c1/delta0/d"
	(cd "$LXCPATH/c1/delta0/d" && seq 40000 | xargs touch)
	setsid lxc-copy -P "$LXCPATH" -n c1 -N c2 >/dev/null 2>&1 &
	group=$!
	assertTrue 'it is at work' 'eventually has_part'
	kill -KILL "-$group" 2>/dev/null
	wait "$group" 2>/dev/null
	assertFalse 'there is no upper' '[ -e "$LXCPATH/c2/delta0" ]'
	start c2
	assertNotEquals 'it does not start' 0 "$status"
	assertContains "$(our_lines c2 pre-start)" 'making it was interrupted'
	destroy c2
	assertTrue 'all of it is gone' 'gone c2'
	bdev doctor --fix
	assert_nothing_left
}
has_part() { [ -e "$LXCPATH/c2/.delta0.part" ]; }

testACopyOfWhatStandsOnABaseStandsOnItToo() {
	stored c1 stack
	container c2 "container:$LXCPATH/c1" overlay:delta0
	mark c2 second
	copy -n c2 -N c3
	assert_status 0
	destroy c2
	run lxc-destroy -P "$LXCPATH" -n c1
	assertNotEquals 'the base is not destroyed' 0 "$status"
	begin c3
	has c3 second
	end c3
	destroy c3
	destroy c1
}

# --- bdev.clone = link ---

linked() {
	stored c1 stack
	echo 'bdev.clone = link' >>"$LXCPATH/c1/config"
	mark c1 first
	copy -n c1 -N c2
	assertEquals "$err" 0 "$status"
}

testALinkedCloneHasNoCopyAndStandsOnItsSource() {
	linked
	assertFalse 'no image' '[ -e "$LXCPATH/c2/i.img" ]'
	mark c2 second
	begin c2
	has c2 first
	has c2 second
	end c2
	start c1
	assertNotEquals 'the source does not start' 0 "$status"
	run lxc-destroy -P "$LXCPATH" -n c1
	assertNotEquals 'nor is it destroyed' 0 "$status"
	destroy c2
	begin c1
	has_not c1 second
	end c1
	destroy c1
}

testLinkedClonesOfLinkedClonesStart() {
	linked
	for n in 2 3 4 5; do
		mark "c$n" "of-c$n"
		copy -n "c$n" -N "c$((n + 1))"
		assert_status 0
	done
	begin c6
	has c6 first
	has c6 of-c2
	has c6 of-c5
	end c6
	for n in 6 5 4 3 2 1; do
		destroy "c$n"
	done
	assert_nothing_left
}

testASnapshotOfALinkingContainerIsACopy() {
	linked
	destroy c2
	run lxc-snapshot -P "$LXCPATH" -n c1
	assert_status 0
	mark c1 second
	run lxc-snapshot -P "$LXCPATH" -n c1 -r snap0
	assertEquals "$err" 0 "$status"
	begin c1
	has c1 first
	has_not c1 second
	end c1
}

testALinkInALxcpathThatIsASymlinkLetsItsSourceGo() {
	ln -s "$LXCPATH" via
	real=$LXCPATH
	stored c1 stack
	echo 'bdev.clone = link' >>"$LXCPATH/c1/config"
	sed -i "s|$LXCPATH|$HERE/via|" "$LXCPATH/c1/config"
	LXCPATH=$HERE/via copy -n c1 -N c2
	assertEquals "$err" 0 "$status"
	LXCPATH=$HERE/via destroy c2
	LXCPATH=$HERE/via destroy c1
	LXCPATH=$real
	assertTrue 'all is gone' 'gone c1'
}

testARenameOfAContainerThatLinksIsACopy() {
	stored c1 stack
	echo 'bdev.clone = link' >>"$LXCPATH/c1/config"
	mark c1 first
	copy -n c1 -N c2 -R
	assertEquals "$err" 0 "$status"
	assertTrue 'the old one is gone' 'gone c1'
	begin c2
	has c2 first
	end c2
}

testARenameOfALinkingContainerDestroysNothing() {
	linked
	copy -n c1 -N c7 -R
	begin c2
	has c2 first
	end c2
	assertTrue 'the source is there' '[ -e "$LXCPATH/c1/i.img" ]'
}

# --- container: ---

testAContainersStackIsMountedReadOnly() {
	stored c1 stack
	mark c1 first
	mkdir m
	bdev mount "container:$(printf '%s' "$LXCPATH/c1" | sed 's/ /\\ /g')" m
	assert_status 0
	assertTrue 'it has what was written' '[ -e m/first ]'
	run touch m/second
	assertNotEquals 'nobody writes to it' 0 "$status"
	bdev umount m
	assert_status 0
	assert_nothing_left
}

testTwoContainersThatStandOnEachOtherAreRefused() {
	container c1 "container:$(printf '%s' "$LXCPATH/c2" | sed 's/ /\\ /g')" overlay:delta0
	container c2 "container:$(printf '%s' "$LXCPATH/c1" | sed 's/ /\\ /g')" overlay:delta0
	bdev plan -P "$LXCPATH" -n c1
	assert_status 1
	assert_one_line 'the container depends on itself, or on a chain of more than'
	container c3 "container:$(printf '%s' "$LXCPATH/c3" | sed 's/ /\\ /g')" overlay:delta0
	bdev plan -P "$LXCPATH" -n c3
	assert_status 1
	assert_one_line 'the container depends on itself, or on a chain of more than'
}

# shellcheck source=/dev/null
. shunit2
