#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# What cannot be read is unknown, which is neither yes nor no: the command refuses and says what could not be read.
# shellcheck source=tests/lib.sh
. "$(dirname -- "$0")/lib.sh"
export LSAN_OPTIONS=detect_leaks=0 # it does not work under ptrace

setUpEach() {
	mkdir m lower
	echo content >lower/marker
}

# failing PATH CALLS ERRNO COMMAND... - run lxc-bdev with these calls on this path failing.
failing() {
	_path=$1 _calls=$2 _error=$3
	shift 3
	program_of "$@"
	run strace -f -o trace -P "$_path" -e trace="$_calls" -e inject="$_calls:error=$_error" "$program" "$@"
	# strace says what it makes of a path.
	sed -i '/^strace: Requested path/d' "$SCRATCH/stderr"
	err=$(cat "$SCRATCH/stderr")
	assertTrue "no $_calls of $_path in $*: $err" 'grep -q INJECTED trace'
}

BOOT_ID=/proc/sys/kernel/random/boot_id

testUmountWithoutTheBootIdKeepsMountAndRecord() {
	bdev mount dir:lower,ro overlay:upper m
	for error in EMFILE ENOMEM EACCES; do
		failing $BOOT_ID openat $error umount m
		assert_status 1
		assert_one_line "$BOOT_ID"
		assertTrue 'still mounted' '[ -e m/marker ]'
		assertFalse 'still recorded' no_journals
	done
	bdev umount m
	assert_status 0
	assert_nothing_left
}

testMountWithoutTheBootIdMakesNoRecordThatOthersIgnore() {
	failing $BOOT_ID openat EMFILE mount dir:lower,ro overlay:upper m
	assert_status 1
	assert_one_line "$BOOT_ID"
	bdev doctor --fix
	assert_nothing_left
}

testUpperInUseIsNotMountedTwiceWhenTheKernelDoesNotAnswer() {
	mkdir m2
	bdev mount dir:lower,ro overlay:upper m
	# The kernel is asked by a mount that must fail.
	run strace -o trace -e trace=fsconfig -e inject=fsconfig:error=ENOMEM:when=1 "$LXC_BDEV" mount dir:lower,ro overlay:upper m2
	assertTrue 'asked' 'grep -q INJECTED trace'
	assert_status 1
	assert_one_line "upper 'upper' is in use: Cannot allocate memory"
	bdev umount m
	assert_nothing_left
}

testJournalThatCannotBeReadCountsAsAUser() {
	make_image image ext4 8 "$PWD/lower"
	bdev mount loop:image m
	_journal=$(echo /run/lxc-bdev/m.*/journal)
	mkdir m2
	failing "$_journal" read EIO mount loop:image m2
	assert_status 1
	assert_one_line "$_journal" 'Input/output error'
	bdev umount m
	assert_nothing_left
}

testStatusAndDoctorSayWhatTheyCannotRead() {
	bdev mount dir:lower,ro overlay:upper m
	_journal=$(echo /run/lxc-bdev/m.*/journal)
	for verb in status doctor 'doctor --fix'; do
		# shellcheck disable=SC2086 # a verb and its option
		failing "$_journal" read EIO $verb
		assert_status 1
		assert_one_line "read '$_journal': Input/output error"
	done
	assertTrue 'nothing was released' '[ -e m/marker ]'
	bdev umount m
}

testListThatBreaksOffIsNoList() {
	bdev mount dir:lower,ro overlay:upper m
	for verb in status doctor; do
		failing /run/lxc-bdev getdents64 EIO $verb
		assert_status 1
		assert_one_line "list '/run/lxc-bdev': Input/output error"
	done
	bdev umount m
}

# A fifo would be waited for, for ever.
testFifoAsAJournalHangsNobody() {
	bdev mount dir:lower,ro overlay:upper m
	mkdir /run/lxc-bdev/c1.0
	mkfifo /run/lxc-bdev/c1.0/journal
	for verb in status doctor 'doctor --fix'; do
		# shellcheck disable=SC2086 # a verb and its option
		run timeout 10 "$LXC_BDEV" $verb
		assert_status 1
		assert_one_line "read '/run/lxc-bdev/c1.0/journal'"
	done
	run timeout 10 "$LXC_BDEV" status
	assertContains 'the other one is shown' "$out" "$HERE/m  mounted"
	rm -r /run/lxc-bdev/c1.0
	bdev umount m
}

# As a process does that a killed mount has begun.
testDoctorWaitsForALockThatIsAboutToGo() {
	bdev mount dir:lower,ro overlay:upper m
	umount m
	flock "$(echo /run/lxc-bdev/m.*)" sleep 1 &
	_holder=$!
	assertTrue 'held' 'eventually sh -c "! flock -n /run/lxc-bdev/m.* true"'
	bdev doctor --fix
	assert_status 0
	assertContains "$out" ': released'
	assert_nothing_left
	wait $_holder
}

testDoctorDoesNotSayReleasedOfWhatStays() {
	bdev mount dir:lower,ro overlay:upper m
	umount m
	touch "$(echo /run/lxc-bdev/m.*)/stray"
	bdev doctor --fix
	assert_status 1
	assertContains "$out" ': not released'
	assert_one_line "remove '/run/lxc-bdev/m." 'Directory not empty'
	rm /run/lxc-bdev/m.*/stray
	bdev doctor --fix
	assert_status 0
	assert_nothing_left
}

# --- clones ---

linked() {
	container c1 overlay:"$HERE/lower":delta
	container c2 container:"$LXCPATH/c1" overlay:delta
	printf '%s\nc2\n' "$LXCPATH" >"$LXCPATH/c1/lxc_snapshots"
	printf '%s\nc1\n' "$LXCPATH" >"$LXCPATH/c2/lxc_rdepends"
}

testBaseDoesNotStartWhenItsClonesCannotBeRead() {
	linked
	set -- pre-start --monitor $$ --name c1 --config "$LXCPATH/c1/config" --rootfs "dir:$LXCPATH/c1/rootfs"
	failing "$LXCPATH/c1/lxc_snapshots" openat,read EIO "$@"
	assert_status 1
	assert_one_line "$LXCPATH/c1/lxc_snapshots" 'Input/output error'
	failing "$LXCPATH/c2" access EACCES "$@"
	assert_status 1
	assert_one_line "$LXCPATH/c2" 'Permission denied'
	hook "$@"
	assert_one_line "has linked clones" "'$LXCPATH/c2'"
	assert_nothing_left
}

testBaseIsNotDestroyedWhenMountsOrClonesCannotBeRead() {
	linked
	set -- destroy --name c1 --config "$LXCPATH/c1/config" --rootfs "dir:$LXCPATH/c1/rootfs"
	failing "$LXCPATH/c1/lxc_snapshots" openat,read ENOMEM "$@"
	assert_status 1
	assert_one_line "$LXCPATH/c1/lxc_snapshots"
	rm "$LXCPATH/c1/lxc_snapshots"
	failing /proc/self/mountinfo openat EMFILE "$@"
	assert_status 1
	assert_one_line "cannot destroy 'c1': find the mounts"
	hook "$@"
	assert_status 0
}

# --- directories ---

testDirectoryIsNotConvertedWhenItsUsersCannotBeRead() {
	mkdir upper
	touch upper/.wh.gone
	bdev mount dir:lower,ro overlay:delta m
	_journal=$(echo /run/lxc-bdev/m.*/journal)
	failing "$_journal" read EIO convert overlay upper
	assert_status 1
	assert_one_line "'$PWD/upper' is in use by an unknown user: cannot read '$_journal': Input/output error"
	failing /run/lxc-bdev getdents64 EIO convert overlay upper
	assert_status 1
	assert_one_line "'$PWD/upper' is in use by an unknown user: cannot list '/run/lxc-bdev': Input/output error"
	assertTrue 'as it was' '[ -e upper/.wh.gone ]'
	bdev umount m
	bdev convert overlay upper
	assert_status 0
	assertTrue 'a whiteout' '[ -c upper/gone ]'
}

testDirectoryIsNotConvertedWhenALowerOfOthersCannotBeLookedUp() {
	mkdir upper
	touch upper/.wh.gone
	mkdir other
	ln -s "$PWD/lower" link
	mount -t overlay -o "lowerdir=$PWD/link:$PWD/other" overlay m
	failing "$PWD/link" open,openat EACCES convert overlay upper
	assert_status 1
	assert_one_line "'$PWD/upper' is in use by an unknown user: cannot look up a lower of the mount on '$PWD/m': Permission denied"
	assertTrue 'as it was' '[ -e upper/.wh.gone ]'
	umount m
}

testConvertSaysWhatItCannotReadOfADirectory() {
	mkdir upper
	echo 'lxc.rootfs.path = /nowhere' >upper/config
	failing config openat EMFILE convert overlay upper
	assert_status 1
	assert_one_line "look at what is in '$PWD/upper': Too many open files"
	mkdir upper/layers upper/diff upper/mnt
	failing "$PWD/upper" getdents64 EIO convert overlay upper
	assert_status 1
	assert_one_line "read '$PWD/upper': Input/output error"
}

testStoreWhoseListCannotBeReadIsNotTakenForAnotherKind() {
	mkdir -p store/layers store/diff store/mnt
	touch store/layers/a store/other
	failing "$PWD/store/layers" getdents64 EIO layer list --store="$PWD/store"
	assert_status 1
	assert_one_line "read '$PWD/store/layers': Input/output error"
	rm -r store
	bdev layer create --store="$PWD/store" base
	assert_status 0
	failing "$PWD/store/stage" getdents64 EIO layer check --store="$PWD/store"
	assert_status 1
	assert_one_line "look at what is in '$PWD/store/stage': Input/output error"
}

testCloneIsNotMadeOfAnotherContainerWhenTheCommandLineCannotBeRead() {
	container c1 "dir:$HERE/lower" overlay:delta
	mkdir "$LXCPATH/c2" "$LXCPATH/c2/rootfs" "$LXCPATH/c1/delta"
	cp "$LXCPATH/c1/config" "$LXCPATH/c2/config"
	# Nobody above this shell is told a name; the others would be looked through.
	failing "/proc/$$/cmdline" read EIO clone --name c2 --source c1 --config "$LXCPATH/c2/config" \
		--rootfs "dir:$LXCPATH/c2/rootfs"
	assert_status 1
	assert_one_line "read '/proc/$$/cmdline', which may name the source of the clone: Input/output error"
	assertFalse 'no copy' '[ -e "$LXCPATH/c2/delta" ]'
}

# --- what changes between check and use ---

testImageIsProbedUnderItsLock() {
	make_image image ext4 8 "$PWD/lower"
	make_image other squashfs
	strace -o trace -e trace=flock -e inject=flock:delay_enter=1000000 "$LXC_BDEV" mount loop:image,ro m 2>"$SCRATCH/stderr" &
	_pid=$!
	eventually grep -q LOCK_EX trace
	cat other >image
	status=0
	wait $_pid || status=$?
	err=$(cat "$SCRATCH/stderr")
	assert_status 1
	assert_one_line 'was changed while it was being mounted'
	assert_nothing_left
}

# A process that opens the image for writing while the helper holds a lease of it has SIGIO sent to the helper.
testWhoOpensTheImageForWritingDoesNotEndTheHelper() {
	make_image image ext4 8 "$PWD/lower"
	strace -qq -o calls -e trace=fcntl "$LXC_BDEV" mount loop:image,ro m
	run bdev umount m
	: >trace
	n=$(grep -n 'F_SETLEASE, F_UNLCK' calls | head -n 1 | cut -d : -f 1)
	strace -o trace -e trace=fcntl -e "inject=fcntl:delay_enter=1000000:when=$n" "$LXC_BDEV" mount loop:image,ro m 2>"$SCRATCH/stderr" &
	_pid=$!
	eventually grep -q 'F_SETLEASE, F_RDLCK' trace
	: >>image
	status=0
	wait $_pid || status=$?
	assert_status 0
	assertContains "$(cat trace)" 'F_UNLCK)           = 0 (DELAYED)'
	run bdev umount m
	assert_status 0
	assert_nothing_left
}

# --- limits and odd files ---

testFileSizeLimitIsReportedAndLeavesNothing() {
	make_image image ext4 8 "$PWD/lower"
	# The message must not go to a file.
	run sh -c '{ prlimit --fsize=20 "$0" mount loop:image m; echo $? >code; } 2>&1 | cat >&2; exit "$(cat code)"' "$LXC_BDEV"
	assert_status 1
	assert_one_line 'File too large'
	assert_nothing_left
}

testFanOutOfIncludesIsRefused() {
	container c1 "dir:$HERE/lower"
	mkdir inc
	for i in 0 1 2 3 4 5 6 7 8 9; do
		yes "lxc.include = $HERE/inc/$((i + 1))" | head -n 8 >inc/$i
	done
	: >inc/10
	echo "lxc.include = $HERE/inc/0" >>"$LXCPATH/c1/config"
	run timeout 20 "$LXC_BDEV" plan -P "$LXCPATH" -n c1
	assert_status 1
	assert_one_line 'more than 1024 files are included'
}

testUpperThatLeadsOutOfTheTmpfsIsRefusedByPlan() {
	container c1 "dir:$HERE/lower,ro" tmpfs:. overlay:../up
	bdev plan -P "$LXCPATH" -n c1
	assert_status 1
	assert_one_line "upper '../up': a relative path belongs to the container, and this one leads out of its directory"
	container c1 "dir:$HERE/lower,ro" tmpfs:sub overlay:sub/../up
	mkdir "$LXCPATH/c1/sub"
	bdev plan -P "$LXCPATH" -n c1
	assert_status 1
	assert_one_line "upper 'sub/../up' leads out of the tmpfs"
	container c1 "dir:$HERE/lower,ro" tmpfs:. overlay:a/../up
	bdev plan -P "$LXCPATH" -n c1
	assert_status 0
}

testRootfsPathThatIsNoDirectoryIsRefusedByPlan() {
	container c1 "dir:$HERE/lower,ro"
	rmdir "$LXCPATH/c1/rootfs"
	: >"$LXCPATH/c1/rootfs"
	bdev plan -P "$LXCPATH" -n c1
	assert_status 1
	assert_one_line 'is a file, not a directory'
	rm "$LXCPATH/c1/rootfs"
	ln -s "$HERE/m" "$LXCPATH/c1/rootfs"
	bdev plan -P "$LXCPATH" -n c1
	assert_status 1
	assert_one_line 'is a symbolic link, not a directory'
}

# shellcheck source=/dev/null
. shunit2
