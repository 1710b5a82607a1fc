#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# lxc-bdev ephemeral: containers that stand on another one's stack and go when they stop.
# shellcheck disable=SC2016 # shunit2 expands what is in single quotes
# shellcheck source=tests/lib.sh
. "$(dirname -- "$0")/lib.sh"
export LSAN_OPTIONS=detect_leaks=0 # it does not work under ptrace

# ephemeral BASE [OPTION...] - make one; $new is its name.
ephemeral() {
	_base=$1
	shift
	bdev ephemeral -P "$LXCPATH" -n "$_base" "$@"
	new=$(printf '%s\n' "$out" | sed -n 's/^Created \(.*\) as clone of .*$/\1/p')
	[ -z "$new" ] || printf '%s\n' "$new" >>"$SCRATCH/started"
}

exists() { [ -e "$LXCPATH/$1" ]; }
is_gone() { ! exists "$1"; }
assert_gone() { eventually is_gone "$1" || fail "left: $(find "$LXCPATH/$1")"; }
containers() { find "$LXCPATH" -mindepth 1 -maxdepth 1 -type d -printf '%f\n' | sort | xargs; }

# All that the base is, LXC's lock and logs aside.
fingerprint() {
	find "$LXCPATH/$1" -printf '%P %y %m %U %G %T@ %l\n' | grep -v -e '^ ' | sort
	find "$LXCPATH/$1" *.img *.qcow2 -type f -exec md5sum {} + 2>/dev/null
}

# A plain container of LXC's, which knows the hooks, as a base must in these tests.
plain() {
	mkdir -p "$LXCPATH/$1"
	cp -a "$(shared_root)" "$LXCPATH/$1/rootfs"
	echo "$1" >"$LXCPATH/$1/rootfs/etc/hostname"
	{
		printf 'lxc.include = %s\n' "$(bdev_conf)"
		printf 'lxc.rootfs.path = dir:%s/%s/rootfs\nlxc.uts.name = %s\n' "$LXCPATH" "$1" "$1"
		printf '%s\n' "$CONTAINER_CONF"
	} >"$LXCPATH/$1/config"
}

# The root with a host name in it, as an image.
image() {
	[ -d "$SCRATCH/named" ] || {
		cp -a "$(shared_root)" "$SCRATCH/named" && echo base >"$SCRATCH/named/etc/hostname"
	}
	make_image "$1" ext4 16 "$SCRATCH/named"
}

# An image that all may read.
shared() {
	image base.img
	container base "loop:$HERE/base.img,ro" tmpfs:. overlay:delta
}

# works BASE [OPTION...] - an ephemeral container of it writes, reboots, and goes, and the base stays as it was.
works() {
	before=$(fingerprint "$1")
	was=$(containers)
	ephemeral "$@"
	assertEquals "$*: $err" 0 "$status"
	assertEquals "$*: its name" "$1_" "${new%??????}"
	inside "$new" /bin/cat /etc/marker
	assertEquals "$*: what the base shows" base "$out"
	inside "$new" /bin/sh -c 'echo written >/root/new && rm /etc/marker'
	assertEquals "$*: writes: $err" 0 "$status"
	assertTrue "$*: reboots" "reboot '$new'"
	inside "$new" /bin/sh -c 'cat /root/new; ls /etc/marker 2>/dev/null'
	assertEquals "$*: what was written outlives a reboot" written "$out"
	assertTrue "$*: stops" "stop '$new'"
	assert_gone "$new"
	assertEquals "$*: containers" "$was" "$(containers)"
	assertEquals "$*: the base" "$before" "$(fingerprint "$1")"
	assert_nothing_left
}

# --- bases ---

testPlainDirectoryOfLxcAsBase() {
	plain base
	works base
	works base --tmpfs=8m
}

testWritableImageAsBase() {
	container base loop:root.img
	image "$LXCPATH/base/root.img"
	works base
	works base --tmpfs=8m
}

testSharedImageBelowAMemoryAsBase() {
	shared
	works base
	works base --tmpfs=8m
}

testOverlayWithDataAsBase() {
	image base.img
	container base "loop:$HERE/base.img,ro" overlay:delta
	start base
	inside base /bin/sh -c 'echo "of the base" >/root/own'
	stop base
	works base --tmpfs=8m
	ephemeral base
	inside "$new" /bin/cat /root/own
	assertEquals 'of the base' "$out"
	stop "$new"
	assert_gone "$new"
}

testQcow2ImageAsBase() {
	image base.img
	qemu-img convert -f raw -O qcow2 base.img "$HERE/base.qcow2"
	rm base.img
	container base "nbd:$HERE/base.qcow2,ro" tmpfs:. overlay:delta
	works base --tmpfs=8m
}

testDirectoryOnlyReadAsBase() {
	container base "dir:$(shared_root),ro" overlay:delta
	works base --tmpfs=8m
}

testEphemeralThatWasKeptAsBase() {
	shared
	ephemeral base --newname=kept --keepdata
	inside kept /bin/sh -c 'echo kept >/root/own'
	stop kept
	ephemeral kept --newname=second
	assertEquals "$err" 0 "$status"
	inside second /bin/cat /root/own /etc/hostname
	assertEquals "$(printf 'kept\nsecond')" "$out"
	stop second
	assert_gone second
	assertTrue 'the first stays' 'exists kept'
}

testBaseWithoutOurIncludeGetsIt() {
	plain base
	sed -i /lxc.include/d "$LXCPATH/base/config"
	cp -a "$LXC_COMMON" "$HERE/config"
	cp "$(bdev_conf)" "$HERE/config/bdev.conf"
	mount --bind "$HERE/config" "$LXC_COMMON"
	works base --tmpfs
	umount "$LXC_COMMON"
}

testStackInAnIncludedFileIsTheBases() {
	shared
	grep '^bdev' "$LXCPATH/base/config" >"$HERE/stack.conf"
	sed -i '/^bdev/d' "$LXCPATH/base/config"
	printf 'lxc.include = %s\n' "$HERE/stack.conf" >>"$LXCPATH/base/config"
	works base
}

# --- what is in memory, what is kept ---

testMemoryIsLimited() {
	shared
	before=$(fingerprint base)
	ephemeral base --tmpfs=2m
	assert_status 0
	inside "$new" /bin/dd if=/dev/zero of=/root/big bs=1M count=4
	assertNotEquals 0 "$status"
	assertContains "$err" 'No space left'
	assertFalse 'nothing is on disk' '[ -e "$LXCPATH/$new/delta0" ]'
	stop "$new"
	assert_gone "$new"
	assertEquals "$before" "$(fingerprint base)"
	assert_nothing_left
}

testUpperIsKept() {
	shared
	mkdir "$HERE/changes, kept"
	ephemeral base --upper "changes, kept"
	assertEquals "$err" 0 "$status"
	inside "$new" /bin/sh -c 'echo x >/root/new'
	stop "$new"
	assert_gone "$new"
	assertTrue 'the changes' '[ -s "$HERE/changes, kept/root/new" ]'
	ephemeral base --upper "$HERE/changes, kept"
	inside "$new" /bin/cat /root/new
	assertEquals 'the next one goes on' x "$out"
	stop "$new"
	assert_gone "$new"
	assert_nothing_left
}

testKeepdataKeepsTheContainer() {
	shared
	ephemeral base --newname=kept --keepdata
	assert_status 0
	inside kept /bin/sh -c 'echo x >/root/new'
	stop kept
	assert_nothing_left
	start kept
	assertEquals "$err" 0 "$status"
	inside kept /bin/cat /root/new
	assertEquals x "$out"
	stop kept
	run lxc-destroy -P "$LXCPATH" -n base
	assertNotEquals 'LXC keeps what it stands on' 0 "$status"
	run lxc-destroy -P "$LXCPATH" -n kept
	assert_status 0
	assertEquals base "$(containers)"
	assertFalse 'no record of it' '[ -e "$LXCPATH/base/lxc_snapshots" ]'
}

# --- names ---

testHostNameIsTheNewOneInsideAndAfterAReboot() {
	shared
	ephemeral base --newname=web-1 --tmpfs
	assert_status 0
	for _ in 1 2; do
		inside web-1 /bin/busybox sh -c 'busybox hostname; cat /etc/hostname'
		assertEquals "$(printf 'web-1\nweb-1')" "$out"
		reboot web-1
	done
	stop web-1
	assert_gone web-1
}

testKeepnameKeepsTheHostName() {
	shared
	ephemeral base --keepname
	inside "$new" /bin/busybox sh -c 'busybox hostname; cat /etc/hostname'
	assertEquals "$(printf 'base\nbase')" "$out"
	stop "$new"
	assert_gone "$new"
}

testHardwareAddressIsItsOwn() {
	shared
	printf 'lxc.net.1.type = veth\nlxc.net.1.hwaddr = 00:16:3e:00:00:01\n' >>"$LXCPATH/base/config"
	ephemeral base
	assertEquals "$err" 0 "$status"
	config=$(cat "$LXCPATH/$new/config")
	assertNotContains "$config" 00:16:3e:00:00:01
	assertTrue "$config" "grep -q '^lxc.net.1.hwaddr = 00:16:3e:[0-9a-f:]*\$' '$LXCPATH/$new/config'"
	stop "$new"
}

testWhatBelongsToTheBaseIsNotTakenAlong() {
	shared
	{
		printf 'lxc.log.file = %s/base.log\nlxc.start.auto = 1\nlxc.rootfs.managed = 0\n' "$HERE"
		printf 'lxc.environment = "  A=b "\nlxc.environment = C="d"\n'
	} >>"$LXCPATH/base/config"
	ephemeral base
	assertEquals "$err" 0 "$status"
	config=$(cat "$LXCPATH/$new/config")
	for _key in log.file start.auto rootfs.managed; do
		assertNotContains "$config" "$_key"
	done
	assertContains 'quoted as it was' "$config" 'lxc.environment = "  A=b "'
	assertContains 'quoted as it was' "$config" 'lxc.environment = C="d"'
	stop "$new"
	assert_gone "$new"
}

testNewpathIsWhereItIsMade() {
	shared
	mkdir "$HERE/other path"
	bdev ephemeral -P "$LXCPATH" -n base -N e -p "$HERE/other path/"
	assertEquals "$err" 0 "$status"
	assertEquals base "$(containers)"
	assertEquals RUNNING "$(lxc-info -P "$HERE/other path" -n e -sH)"
	lxc-stop -P "$HERE/other path" -n e -k
	assertTrue 'gone' 'eventually test ! -e "$HERE/other path/e"'
	assert_nothing_left
}

# --- the command ---

testCommandRunsAndItsExitStatusIsTheVerbs() {
	shared
	before=$(fingerprint base)
	for code in 0 7 42; do
		ephemeral base --tmpfs=4m -- /bin/sh -c "echo out; echo err >&2; exit $code"
		assert_status "$code"
		assertEquals "$(printf 'Created %s as clone of base\nout' "$new")" "$out"
		assertEquals err "$err"
		assertTrue 'gone when it returns' "is_gone '$new'"
		nothing_left || fail "left when it returns: $(left)"
	done
	assertEquals "$before" "$(fingerprint base)"
}

testCommandReadsStdin() {
	shared
	echo hello >in
	ephemeral base -- /bin/cat <in
	assertContains "$out" hello
}

testContainerThatCannotBeStoppedIsAnError() {
	shared
	"$LXC_BDEV" ephemeral -P "$LXCPATH" -n base -N e -- /bin/sleep 1 >/dev/null 2>"$SCRATCH/stderr" &
	verb=$!
	assertTrue 'the command runs' 'eventually pgrep -P "$verb" -f ^lxc-attach >/dev/null'
	_monitor=$(monitor_pid e)
	kill -STOP "$_monitor"
	status=0
	wait "$verb" || status=$?
	out='' err=$(cat "$SCRATCH/stderr")
	kill -CONT "$_monitor"
	assert_status 1
	assert_one_line "'e' is still running: run lxc-stop"
	stop e
	assert_gone e
}

testSignalDuringTheCommandStopsTheContainer() {
	shared
	for signal in INT:130 TERM:143 HUP:129; do
		# In the background of a shell, SIGINT is ignored.
		env --default-signal=INT "$LXC_BDEV" ephemeral -P "$LXCPATH" -n base -N e -- /bin/sleep 100 >/dev/null 2>&1 &
		verb=$!
		assertTrue 'the command runs' 'eventually pgrep -P "$verb" -f ^lxc-attach >/dev/null'
		kill -s "${signal%:*}" "$verb"
		wait "$verb"
		assertEquals "$signal" "${signal#*:}" $?
		assertTrue "$signal: gone" 'is_gone e'
		assert_nothing_left
	done
}

testForegroundEndsWithTheContainer() {
	shared
	"$LXC_BDEV" ephemeral -P "$LXCPATH" -n base -N e -F </dev/null >out 2>err &
	verb=$!
	echo e >>"$SCRATCH/started"
	assertTrue 'running' 'eventually is_running e'
	assertTrue 'it waits' "kill -0 $verb"
	stop e
	wait "$verb"
	assertEquals "$(cat err)" 0 $?
	assertContains "$(cat out)" 'Created e as clone of base'
	assert_gone e
	"$LXC_BDEV" ephemeral -P "$LXCPATH" -n base -N e -F </dev/null >out 2>err &
	verb=$!
	assertTrue 'running' 'eventually is_running e'
	kill "$verb"
	wait "$verb"
	assertEquals 'by SIGTERM' 143 $?
	assertTrue 'gone' 'is_gone e'
	assert_nothing_left
}

# --- refusals ---

# refused STATUS TEXT... - the last one made nothing, and said why in one line.
refused() {
	assert_status "$1"
	shift
	assert_one_line 'lxc-bdev: ephemeral: ' "$@"
	assertEquals 'containers' "$was" "$(containers)"
	assertEquals 'the base' "$before" "$(fingerprint base)"
	assert_nothing_left
}

testConflictingOptionsAreRefused() {
	shared
	was=base
	before=$(fingerprint base)
	ephemeral base --tmpfs --keepdata
	refused 2 --tmpfs --keepdata
	ephemeral base --tmpfs=1m --upper "$HERE"
	refused 2 --tmpfs --upper
	ephemeral base --foreground -- /bin/true
	refused 2 --foreground 'command'
	ephemeral base --backing zfs
	refused 2 zfs
	grep -qw aufs /proc/filesystems || {
		ephemeral base --backing aufs
		refused 3 "--backing 'aufs': this kernel has no aufs" 'lxc-bdev convert'
	}
	ephemeral base --newname a/b
	refused 2 a/b
	bdev ephemeral -P "$LXCPATH"
	refused 2 'NAME'
}

testWhatCannotBeIsRefused() {
	shared
	was=base
	before=$(fingerprint base)
	ephemeral none
	refused 1 none
	ephemeral base --tmpfs=much
	refused 2 much
	ephemeral base --upper "$HERE/none"
	refused 1 "$HERE/none"
	ephemeral base --newname base
	refused 1 'exists already'
	ephemeral base --newpath "$HERE/none"
	refused 1 "$HERE/none"
	mkdir -p "$LXCPATH/data/rootfs/x"
	was='base data'
	ephemeral base --newname data
	refused 1 'exists already'
}

testEphemeralBaseIsRefused() {
	shared
	ephemeral base --newname first
	was=$(containers)
	ephemeral first --newname second
	assert_status 1
	assert_one_line "'first' is ephemeral"
	assertEquals "$was" "$(containers)"
	stop first
	assert_gone first
}

testBaseThatIsRunningAndWritesIsRefused() {
	image base.img
	plain base
	container c2 "loop:$HERE/base.img"
	container c3 "dir:$(shared_root),ro" overlay:delta
	for base in base c2 c3; do
		start "$base"
		assert_status 0
		was=$(containers)
		ephemeral "$base"
		assert_status 1
		assert_one_line "container '$base' is running and writes to"
		assertEquals "$was" "$(containers)"
		stop "$base"
	done
	assert_nothing_left
}

testBaseThatIsRunningAndWritesNothingLastingIsFine() {
	shared
	start base
	ephemeral base --tmpfs
	assertEquals "$err" 0 "$status"
	assertEquals 'one loop device for both' 1 "$(loops)"
	stop "$new"
	assert_gone "$new"
	stop base
	assert_nothing_left
}

testBaseInUseIsNeitherDestroyedNorWrittenTo() {
	image base.img
	container base "dir:$(shared_root),ro" overlay:delta
	ephemeral base
	run lxc-destroy -P "$LXCPATH" -n base
	assertNotEquals 0 "$status"
	assertTrue 'it is there' 'exists base'
	start base
	assertNotEquals 'a start would write' 0 "$status"
	stop "$new"
	assert_gone "$new"
	start base
	assertEquals "$err" 0 "$status"
	stop base
	run lxc-destroy -P "$LXCPATH" -n base
	assertEquals "$err" 0 "$status"
}

# crash_host NAME - end it as a crash of the host does: nothing of this boot is left of it.
crash_host() {
	_init=$(lxc info "$1" -pH)
	kill -9 "$(monitor_pid "$1")" "$_init"
	eventually is_stopped "$1"
	eventually no_loops
	rm -r /run/lxc-bdev/*
}

testDoctorRemovesWhatACrashOfTheHostLeft() {
	image base.img
	container base "dir:$(shared_root),ro" overlay:delta
	for option in '' --tmpfs "--upper=$HERE/kept"; do
		mkdir -p kept
		ephemeral base ${option:+"$option"}
		assertEquals "$err" 0 "$status"
		bdev doctor -P "$LXCPATH" --fix
		assertEquals "a running one is left alone: $out" 0 "$status"
		inside "$new" touch /written
		crash_host "$new"
		start base
		assertNotEquals 'the base is in use' 0 "$status"
		bdev doctor -P "$LXCPATH"
		assert_status 1
		assertEquals "container '$new' ($LXCPATH/$new) was made by lxc-bdev ephemeral and no longer runs" "$out"
		assertTrue 'it only looks' "exists $new"
		bdev doctor -P "$LXCPATH" --fix
		assert_status 0
		assertContains "$out" "'$new' ($LXCPATH/$new)"
		assertContains "$out" ': removed'
		assert_gone "$new"
		start base
		assertEquals "the base is free: $err" 0 "$status"
		stop base
	done
	assertTrue 'the upper of the caller is kept' '[ -e kept/written ]'
	run lxc-destroy -P "$LXCPATH" -n base
	assertEquals "$err" 0 "$status"
}

testDoctorRemovesWhatAKilledMonitorLeft() {
	image base.img
	container base "dir:$(shared_root),ro" overlay:delta
	ephemeral base
	kill -9 "$(monitor_pid "$new")"
	eventually is_stopped "$new"
	bdev doctor -P "$LXCPATH" --fix
	assert_gone "$new"
	bdev doctor -P "$LXCPATH"
	assert_status 0
	start base
	assertEquals "$err" 0 "$status"
	stop base
}

testDoctorLeavesAnEphemeralContainerThatIsAboutToStart() {
	shared
	ephemeral base
	crash_host "$new"
	flock -s "$LXCPATH/$new/$new.log" "$LXC_BDEV" doctor -P "$LXCPATH" --fix >out
	assertEquals 'status' 0 $?
	assertEquals '' "$(cat out)"
	assertTrue 'it is there' "exists $new"
	(exec 9>>"$LXCPATH/$new/$new.log" && exec "$LXC_BDEV" doctor -P "$LXCPATH" --fix >out)
	assertEquals 'while LXC has the log open' '' "$(cat out)"
	assertTrue 'it is there' "exists $new"
	bdev doctor -P "$LXCPATH" --fix
	assert_gone "$new"
}

testDoctorLeavesAContainerWithKeepdata() {
	shared
	ephemeral base --keepdata
	stop "$new"
	bdev doctor -P "$LXCPATH" --fix
	assert_status 0
	assertEquals '' "$out"
	assertTrue 'it is there' "exists $new"
	run lxc-destroy -P "$LXCPATH" -n "$new"
}

testFailedStartSaysWhyAndLeavesNothing() {
	shared
	was=base
	image other.img
	printf 'lxc.net.1.type = veth\nlxc.net.1.link = no-such-bridge\n' >>"$LXCPATH/base/config"
	before=$(fingerprint base)
	for option in --tmpfs --keepdata; do
		ephemeral base "$option"
		refused 1 no-such-bridge
	done
	printf 'lxc.no.such.key = 1\n' >>"$LXCPATH/base/config"
	before=$(fingerprint base)
	ephemeral base
	refused 1 lxc.no.such.key
	container base "loop:$HERE/base.img"
	before=$(fingerprint base)
	exec 9<"$HERE/base.img"
	flock -x 9
	ephemeral base
	refused 1 'base.img' 'in use'
	exec 9<&-
}

# Somebody may mount there before the removal of one that cannot be made.
testWhatIsMountedInOneThatFailsIsNotDeleted() {
	shared
	mkdir precious "$LXCPATH/base/lxc_snapshots"
	echo precious >precious/file
	strace -o /dev/null -P "$LXCPATH/base/lxc_snapshots" -e trace=openat -e inject=openat:delay_enter=2000000 \
		"$LXC_BDEV" ephemeral -P "$LXCPATH" -n base -N e 2>err1 &
	eventually test -e "$LXCPATH/e/config"
	mount --bind precious "$LXCPATH/e/rootfs"
	wait $!
	assertEquals "$(cat err1)" 1 $?
	assertContains "$(cat err1)" "record that '$LXCPATH/e' depends on '$LXCPATH/base'"
	assertEquals precious "$(cat precious/file)"
	assertContains "$(cat err1)" "'$LXCPATH/e/rootfs' is mounted"
	umount "$LXCPATH/e/rootfs"
	rmdir "$LXCPATH/base/lxc_snapshots"
	lxc destroy e
	assertTrue 'it can be removed then' 'is_gone e'
}

testBaseThatRunsIsFoundByEachPathOfItsLxcpath() {
	image base.img
	container base "loop:$HERE/base.img"
	ln -s "$LXCPATH" link
	start base
	for _path in "$LXCPATH" "$HERE/link"; do
		bdev ephemeral -P "$_path" -n base
		assert_status 1
		assert_one_line "container 'base' is running and writes to"
	done
	stop base
	lxc-start -P "$HERE/link" -n base
	bdev ephemeral -P "$HERE/link" -n base
	assert_one_line "container 'base' is running and writes to"
	lxc-stop -P "$HERE/link" -n base -k
}

# --- many, and killed ---

testTwentyAtOnceShareOneLoopDevice() {
	shared
	before=$(fingerprint base)
	for i in $(seq 20); do
		echo "e$i" >>"$SCRATCH/started"
		"$LXC_BDEV" ephemeral -P "$LXCPATH" -n base -N "e$i" --tmpfs=4m >"out.$i" 2>&1 &
	done
	wait
	assertEquals "$(cat out.*)" 20 "$(cat out.* | grep -c '^Created')"
	assertEquals 'loop devices' 1 "$(loops)"
	for i in $(seq 20); do
		assertTrue "e$i runs" "is_running e$i"
		stop "e$i" &
	done
	wait
	for i in $(seq 20); do
		assert_gone "e$i"
	done
	assertEquals base "$(containers)"
	assertEquals "$before" "$(fingerprint base)"
	assert_nothing_left
}

testTwentyRandomNamesAtOnceAndTheirCommands() {
	shared
	before=$(fingerprint base)
	for i in $(seq 20); do
		"$LXC_BDEV" ephemeral -P "$LXCPATH" -n base --tmpfs=4m -- /bin/cat /etc/hostname >"out.$i" 2>&1 &
	done
	wait
	assertEquals "$(cat out.*)" 40 "$(cat out.* | sed 's/^Created \(.*\) as clone of base/\1/' | grep -c '^base_')"
	assertEquals 'each has its own name' 20 "$(cat out.* | grep -c ^Created)"
	assertEquals base "$(containers)"
	assertEquals "$before" "$(fingerprint base)"
	assert_nothing_left
}

# Killed: an empty directory, which the next one takes; or a container, which runs or can be destroyed.
settled() { is_running e || ! pgrep -f "^lxc-start -P $LXCPATH -n e " >/dev/null; }
check_killed() {
	eventually settled
	if is_running e; then # by lxc-start, which lives on
		running=$((running + 1))
		stop e </dev/null
		assert_gone e
	elif [ -e "$LXCPATH/e/config" ]; then
		stopped=$((stopped + 1))
		run lxc-destroy -P "$LXCPATH" -n e
		assertEquals "destroy after call $call: $err" 0 "$status"
	elif [ -e "$LXCPATH/e" ]; then
		empty=$((empty + 1))
		bdev doctor
		assertContains "doctor after call $call" "$out" 'was not finished by lxc-bdev ephemeral'
		[ $((empty % 2)) -eq 0 ] || {
			bdev doctor --fix
			return
		}
		ephemeral base --newname e -- /bin/cat /etc/hostname
		assertEquals "the next one after call $call: $err" 0 "$status"
	fi
	assertFalse "call $call: $(find "$LXCPATH/e" 2>&1)" 'exists e'
	assertEquals "the base after call $call" "$before" "$(fingerprint base)"
	# The record is written before the directory is made: doctor clears it, as the next one of that name would.
	nothing_left || bdev doctor --fix
	nothing_left || assert_nothing_left
}

testASizeThatIsNoOptionIsNotRunAsACommand() {
	shared
	ephemeral base --tmpfs 16m -- /bin/true
	assert_status 2
	assert_one_line "'16m': a command comes after --"
	ephemeral base /bin/true
	assert_status 2
}

testKilledAtEachOfItsSystemCalls() {
	shared
	before=$(fingerprint base)
	call=$((1 - SWEEP)) running=0 stopped=0 empty=0
	while :; do
		call=$((call + SWEEP))
		status=0
		LSAN_OPTIONS=detect_leaks=0 "$ROOT/build/tests/tools/kill-at" "$call" "$LXC_BDEV" ephemeral -P "$LXCPATH" -n base -N e --tmpfs=4m \
			>/dev/null 2>err </dev/null || status=$?
		[ "$status" -eq 137 ] || break
		check_killed
		[ "$__shunit_assertsFailed" -eq "$_failed_before" ] || return
	done
	assertEquals "after $call calls: $(cat err)" 0 "$status"
	assertTrue "running $running, stopped $stopped, empty $empty of $call" \
		"[ $running -gt 0 ] && [ $stopped -gt $((5 / SWEEP)) ] && [ $empty -gt $((2 / SWEEP)) ]"
	stop e
	assert_gone e
}

. shunit2
