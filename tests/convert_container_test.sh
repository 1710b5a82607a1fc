#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Containers whose delta only aufs reads: lxc-bdev convert -n, and bdev.aufs = convert.
# shellcheck disable=SC2016 # shunit2 expands what is in single quotes
# shellcheck source=tests/lib.sh
. "$(dirname -- "$0")/lib.sh"

# What is below the deltas.
oneTimeSetUp() {
	base=$(shared_root)
	mkdir -p "$base/opt/dir" && echo old >"$base/opt/dir/old" && echo removed >"$base/opt/removed"
}

# aufs_delta DIR - what aufs leaves when a container has removed /opt/removed, made /opt/dir anew, and written.
aufs_delta() {
	mkdir -p "$1/opt/dir" "$1/.wh..wh.orph" "$1/.wh..wh.plnk"
	: >"$1/.wh..wh.aufs"
	chmod 0444 "$1/.wh..wh.aufs"
	ln "$1/.wh..wh.aufs" "$1/opt/.wh.removed"
	ln "$1/.wh..wh.aufs" "$1/opt/dir/.wh..wh..opq"
	echo new >"$1/opt/dir/new"
}

# aufs_container NAME - on the base, with such a delta.
aufs_container() {
	container "$1" "dir:$base,ro" aufs:delta0
	aufs_delta "$LXCPATH/$1/delta0"
}

# overlay_delta DIR - the same as overlay says it.
is_overlay_delta() {
	[ -c "$1/opt/removed" ] && [ "$(getfattr --only-values -n trusted.overlay.opaque "$1/opt/dir" 2>/dev/null)" = y ] &&
		[ "$(cat "$1/opt/dir/new")" = new ] && ! find "$1" -name '.wh.*' | grep -q .
}
is_aufs_delta() {
	[ -e "$1/opt/.wh.removed" ] && [ -e "$1/opt/dir/.wh..wh..opq" ] && [ "$(cat "$1/opt/dir/new")" = new ] &&
		! find "$1" -type c | grep -q .
}

# The container sees what it left.
assert_shows_the_same() { # NAME
	inside "$1" /bin/sh -c 'ls -A /opt /opt/dir; cat /opt/dir/new; cat /etc/marker'
	assertEquals "$err" '/opt:
dir

/opt/dir:
new
new
base' "$out"
}
assert_starts_the_same() { # NAME
	start "$1"
	assertEquals "start: $err" 0 "$status"
	assert_shows_the_same "$1"
	stop "$1"
}

# state_of NAME - all that could be changed.
state_of() {
	(cd "$LXCPATH/$1" && cat config && find . ! -name config -printf '%i %p %y %m %s %T@\n' | sort)
}

# assert_refused_to NAME FORM TEXT... - in one line, with nothing changed.
assert_refused_to() {
	_name=$1 _form=$2
	shift 2
	_before=$(state_of "$_name")
	bdev convert -P "$LXCPATH" -n "$_name" "$_form"
	assert_status 1
	assert_one_line "$@"
	assertEquals 'nothing is changed' "$_before" "$(state_of "$_name")"
}

# --- lxc-bdev convert -n ---

testConvertedContainerShowsTheSame() {
	aufs_container c1
	bdev convert -P "$LXCPATH" -n c1 overlay
	assert_status 0
	assertTrue 'in its form' 'is_overlay_delta "$LXCPATH/c1/delta0"'
	assert_starts_the_same c1
	assertTrue 'no record is left' no_journals
}

testConfigIsOtherwiseTheSameByteForByte() {
	mkdir -p "$LXCPATH/c1"
	aufs_delta "$LXCPATH/c1/a b"
	aufs_delta "$LXCPATH/c1/delta1"
	printf '# bdev.rootfs = aufs:delta0\n\n bdev.rootfs= dir:%s,ro  \nlxc.uts.name = aufs:x\n\tbdev.rootfs =  "aufs:a b,dirperm1=on,ro" \t\nbdev.rootfs = aufs:delta1,xino=/x\\,y\n#end' \
		"$base" >"$LXCPATH/c1/config"
	chmod 0640 "$LXCPATH/c1/config"
	chown 12:34 "$LXCPATH/c1/config"
	sed 's|"aufs:a b,dirperm1=on,ro"|"overlay:a b,ro"|; s|^bdev.rootfs = aufs:delta1.*|bdev.rootfs = overlay:delta1|' \
		"$LXCPATH/c1/config" | head -c -1 >wanted
	printf d >>wanted
	sed '$!d' wanted >/dev/null
	bdev convert -P "$LXCPATH" -n c1 overlay
	assert_status 0
	assertEquals "$(od -c wanted)" "$(od -c "$LXCPATH/c1/config")"
	assertEquals '640 12 34' "$(stat -c '%a %u %g' "$LXCPATH/c1/config")"
	assertTrue 'both deltas' 'is_overlay_delta "$LXCPATH/c1/a b" && is_overlay_delta "$LXCPATH/c1/delta1"'
	assertEquals 'nothing else is there' 'a b config delta1' "$(ls -A "$LXCPATH/c1" | tr '\n' ' ' | sed 's/ $//')"
}

testThereAndBack() {
	aufs_container c1
	cp "$LXCPATH/c1/config" before
	bdev convert -P "$LXCPATH" -n c1 overlay
	assert_status 0
	bdev convert -P "$LXCPATH" -n c1 aufs
	assert_status 0
	assertTrue 'the delta' 'is_aufs_delta "$LXCPATH/c1/delta0"'
	assertEquals 'the config' "$(cat before)" "$(cat "$LXCPATH/c1/config")"
}

testWhatHasTheFormIsLeftAlone() {
	aufs_container c1
	bdev convert -P "$LXCPATH" -n c1 overlay
	_before=$(state_of c1)
	bdev convert -P "$LXCPATH" -n c1 overlay
	assert_status 0
	assertEquals "$_before" "$(state_of c1)"
}

testDeltaConvertedByHandNeedsItsConfigOnly() {
	aufs_container c1
	bdev convert overlay "$LXCPATH/c1/delta0"
	assert_status 0
	inode=$(stat -c %i "$LXCPATH/c1/delta0")
	bdev convert -P "$LXCPATH" -n c1 overlay
	assert_status 0
	assertEquals "$inode" "$(stat -c %i "$LXCPATH/c1/delta0")"
	assert_starts_the_same c1
}

testDeltaOnATmpfsNeedsItsConfigOnly() {
	container c1 "dir:$base,ro" tmpfs:. aufs:delta0
	aufs_delta "$LXCPATH/c1/delta0" # of no meaning there
	bdev convert -P "$LXCPATH" -n c1 overlay
	assert_status 0
	assertTrue 'what lies below it is not touched' 'is_aufs_delta "$LXCPATH/c1/delta0"'
	start c1
	assertEquals "$err" 0 "$status"
	stop c1
}

testDeltaThatWasNeverMadeNeedsItsConfigOnly() {
	container c1 "dir:$base,ro" aufs:delta0
	bdev convert -P "$LXCPATH" -n c1 overlay
	assert_status 0
	start c1
	assertEquals "$err" 0 "$status"
	stop c1
}

testDeltasOnEachOtherAreAllConverted() {
	container c1 "dir:$base,ro" aufs:delta0 aufs:delta1
	aufs_delta "$LXCPATH/c1/delta0"
	mkdir -p "$LXCPATH/c1/delta1/opt"
	: >"$LXCPATH/c1/delta1/opt/.wh.dir"
	bdev convert -P "$LXCPATH" -n c1 overlay
	assert_status 0
	start c1
	assertEquals "$err" 0 "$status"
	inside c1 /bin/ls -A /opt
	assertEquals '' "$out"
	stop c1
}

testExplicitLowersStayAsTheyAre() {
	container c1
	aufs_delta "$LXCPATH/c1/delta0"
	printf 'bdev.rootfs = aufs:%s:delta0\n' "$base" >>"$LXCPATH/c1/config"
	_before=$(find "$base" -printf '%i %p %T@\n' | sort)
	bdev convert -P "$LXCPATH" -n c1 overlay
	assert_status 0
	assertEquals "$_before" "$(find "$base" -printf '%i %p %T@\n' | sort)"
	assert_starts_the_same c1
}

testConfigThatIsALinkStaysOne() {
	aufs_container c1
	mv "$LXCPATH/c1/config" elsewhere
	ln -s "$PWD/elsewhere" "$LXCPATH/c1/config"
	bdev convert -P "$LXCPATH" -n c1 overlay
	assert_status 0
	assertTrue '[ -L "$LXCPATH/c1/config" ]'
	assertContains "$(cat elsewhere)" 'bdev.rootfs = overlay:delta0'
}

testDryRunChangesNothing() {
	aufs_container c1
	_before=$(state_of c1)
	bdev convert -P "$LXCPATH" -n c1 overlay --dry-run
	assert_status 0
	assertContains "$out" 'opt/removed'
	assertContains "$out" 'overlay:delta0'
	assertEquals "$_before" "$(state_of c1)"
}

# --- LXC's own aufs, which it has no more ---

testLxcsOwnAufsBecomesAnOverlayThatLxcMounts() {
	for key in lxc.rootfs.path lxc.rootfs; do
		mkdir -p "$LXCPATH/$key"
		aufs_delta "$LXCPATH/$key/delta0"
		printf 'lxc.uts.name = c1\n%s\n%s = aufs:%s:%s\n' "$CONTAINER_CONF" \
			"$key" "$base" "$LXCPATH/$key/delta0" >"$LXCPATH/$key/config"
		start "$key"
		assertNotEquals 'LXC has none' 0 "$status"
		bdev convert -P "$LXCPATH" -n "$key" overlay
		assert_status 0
		assertContains "$(cat "$LXCPATH/$key/config")" "lxc.rootfs.path = overlay:$base:$LXCPATH/$key/delta0"
		assert_starts_the_same "$key"
	done
}

# c1, as LXC 2 has left it.
old_container() {
	mkdir -p "$LXCPATH/c1"
	aufs_delta "$LXCPATH/c1/delta0"
	printf 'lxc.utsname = c1\nlxc.network.type = empty\nlxc.aa_profile = unconfined\nlxc.rootfs = aufs:%s:%s\n' \
		"$base" "$LXCPATH/c1/delta0" >"$LXCPATH/c1/config"
}
update_config() {
	lxc-update-config -c "$LXCPATH/c1/config" >/dev/null 2>&1
	sed -i 's/^lxc.net.type/lxc.net.0.type/' "$LXCPATH/c1/config"
}

testConfigOfLxc2IsConvertedBeforeItIsUpdated() {
	old_container
	bdev convert -P "$LXCPATH" -n c1 overlay
	assert_status 0
	update_config
	assert_starts_the_same c1
}

testConfigOfLxc2IsConvertedAfterItWasUpdated() {
	old_container
	update_config
	assertContains "$(cat "$LXCPATH/c1/config")" 'dir:aufs:'
	bdev convert -P "$LXCPATH" -n c1 overlay
	assert_status 0
	assert_starts_the_same c1
}

testPlanSaysThatLxcHasNoAufs() {
	container c1
	sed -i "s|^lxc.rootfs.path.*|lxc.rootfs.path = aufs:$base:$LXCPATH/c1/delta0|" "$LXCPATH/c1/config"
	bdev plan -P "$LXCPATH" -n c1
	assert_status 1
	assert_one_line 'LXC has no aufs since 3.0' "convert -P '$LXCPATH' -n c1 overlay"
}

testLxcsOwnOverlayIsNotConvertedBack() {
	container c1
	sed -i "s|^lxc.rootfs.path.*|lxc.rootfs.path = overlay:$base:$LXCPATH/c1/delta0|" "$LXCPATH/c1/config"
	mkdir "$LXCPATH/c1/delta0"
	assert_refused_to c1 aufs "is LXC's own overlay" 'bdev.rootfs'
}

# --- an overlay above what aufs wrote ---

testOverlayLineAboveADeltaOfAufsDoesNotStartUntilConverted() {
	container c1 "dir:$base,ro" overlay:delta0
	aufs_delta "$LXCPATH/c1/delta0"
	start c1
	assert_refused c1 "upper 'delta0' is in aufs format" "lxc-bdev convert overlay '$LXCPATH/c1/delta0'"
	cp "$LXCPATH/c1/config" before
	bdev convert -P "$LXCPATH" -n c1 overlay
	assert_status 0
	assertContains "$out" '1 delta, 0 lines'
	assertEquals "$(cat before)" "$(cat "$LXCPATH/c1/config")"
	rm "$LXCPATH/c1.log"
	assert_starts_the_same c1
}

testOneDeltaInTwoLinesIsOne() {
	container c1 "dir:$base,ro" aufs:delta0 "aufs:./delta0,ro"
	aufs_delta "$LXCPATH/c1/delta0"
	bdev convert -P "$LXCPATH" -n c1 overlay
	assert_status 0
	assertContains "$out" '1 delta, 2 lines'
}

# --- refused ---

testRunningContainerIsRefused() {
	container c1 "dir:$base,ro" overlay:delta0
	start c1
	assert_status 0
	cp "$LXCPATH/c1/config" before
	bdev convert -P "$LXCPATH" -n c1 aufs
	assert_status 1
	assert_one_line "cannot convert 'c1' while it runs"
	assertEquals "$(cat before)" "$(cat "$LXCPATH/c1/config")"
	stop c1
}

testAtOnceAfterAStopItIsConverted() {
	container c1 "dir:$base,ro" overlay:delta0
	start c1
	inside c1 /bin/rm /opt/removed
	stop c1
	bdev convert -P "$LXCPATH" -n c1 aufs
	assert_status 0
	assertTrue '[ -e "$LXCPATH/c1/delta0/opt/.wh.removed" ]'
}

testWhatOthersShowIsRefused() {
	container c1 "dir:$base,ro" overlay:delta0
	mkdir "$LXCPATH/c1/delta0"
	container c2 "container:$LXCPATH/c1" overlay:delta0
	start c2
	assertEquals "$err" 0 "$status"
	assert_refused_to c1 aufs "container 'c2', which depends on it, runs"
	stop c2
}

testSpecInAnIncludedFileIsRefused() {
	container c1 "dir:$base,ro"
	aufs_delta "$LXCPATH/c1/delta0"
	echo 'bdev.rootfs = aufs:delta0' >more.conf
	printf 'lxc.include = %s\n' "$PWD/more.conf" >>"$LXCPATH/c1/config"
	assert_refused_to c1 overlay "$PWD/more.conf:1: bdev.rootfs: 'aufs:delta0'" 'it is in an included file'
}

testLowerThatIsADeltaTooIsRefusedWithTheRemedy() {
	container c1
	cp -a "$base" lower
	aufs_delta "$PWD/lower"
	aufs_delta "$LXCPATH/c1/delta0"
	printf 'bdev.rootfs = aufs:%s:delta0\n' "$PWD/lower" >>"$LXCPATH/c1/config"
	assert_refused_to c1 overlay "first lxc-bdev convert overlay $PWD/lower"
	bdev convert overlay "$PWD/lower"
	assert_status 0
	bdev convert -P "$LXCPATH" -n c1 overlay
	assert_status 0
}

testWhatOverlayCannotSayIsRefusedBeforeAnythingChanges() {
	container c1 "dir:$base,ro" aufs:delta0 aufs:delta1
	aufs_delta "$LXCPATH/c1/delta0"
	aufs_delta "$LXCPATH/c1/delta1"
	mknod "$LXCPATH/c1/delta1/zero" c 0 0
	_before=$(state_of c1)
	bdev convert -P "$LXCPATH" -n c1 overlay
	assert_status 1
	assertContains "$err" "'aufs:delta1': not converted: overlay cannot have 'zero'"
	assertEquals 'not the first one either' "$_before" "$(state_of c1)"
}

testPathThatAufsCannotHaveIsRefused() {
	container c1 "dir:$base,ro" 'overlay:a\:b'
	mkdir "$LXCPATH/c1/a:b"
	assert_refused_to c1 aufs "aufs cannot have 'a:b'"
}

testDirectoryThatRunsIsNotConvertedByItsPath() {
	cp -a "$base" root
	aufs_delta root/delta
	container c1 "dir:$PWD/root"
	# Without a stack of ours, too.
	cp -a root root2
	mkdir "$LXCPATH/c2"
	printf 'lxc.rootfs.path = dir:%s\nlxc.uts.name = c2\n%s\n' \
		"$PWD/root2" "$CONTAINER_CONF" >"$LXCPATH/c2/config"
	for c in c1 c2; do
		start $c
		assertEquals "$err" 0 "$status"
	done
	bdev convert overlay root
	assert_status 1
	assert_one_line "root' is in use as a lower by container 'c1'; stop it first"
	# One in it, too.
	bdev convert overlay root2/delta root2
	assert_status 1
	assert_one_line "root2' is in use by the mount on '/' in the mount namespace of process"
	assertTrue 'is_aufs_delta root/delta && is_aufs_delta root2/delta'
	stop c1
	stop c2
}

testPathBelowAnotherIsNotTakenForTheForm() {
	container c1 "dir:$base,ro" aufs:delta0
	mkdir -p "$LXCPATH/c1/delta0/opt"
	mknod "$LXCPATH/c1/delta0/opt/removed" c 0 0
	# Nothing in it is aufs', but overlay would take the device for a whiteout.
	assert_refused_to c1 overlay "overlay cannot have 'opt/removed'"
}

testAStackThatWasConvertedSinceItsConfigWasReadIsReadAgain() {
	if has_aufs; then skip 'the kernel has aufs' && return; fi
	container c1 "dir:$base,ro" overlay:delta0
	mkdir -p "$LXCPATH/c1/delta0/opt"
	mknod "$LXCPATH/c1/delta0/opt/removed" c 0 0
	strace -f -qq -o trace -e trace=syncfs -e inject=syncfs:delay_enter=600000 \
		"$LXC_BDEV" convert -P "$LXCPATH" -n c1 aufs >convert.out 2>&1 &
	eventually test -L "$LXCPATH/c1/.lxc-bdev.converting"
	prestart
	wait $!
	assertContains "$(cat "$SCRATCH/stderr")" "'aufs:delta0'"
	assertTrue 'the delta' '[ -e "$LXCPATH/c1/delta0/opt/.wh.removed" ]'
}

testConfigThatCannotBeWrittenIsNoticedFirst() {
	aufs_container c1
	mkdir elsewhere && mv "$LXCPATH/c1/config" elsewhere/ && ln -s "$PWD/elsewhere/config" "$LXCPATH/c1/config"
	mount --bind elsewhere elsewhere && mount -o remount,bind,ro elsewhere
	assert_refused_to c1 overlay 'config' 'Read-only file system'
	umount elsewhere
}

testVolatileMarkIsNotLeftBehind() {
	container c1 "dir:$base,ro" overlay:delta0,volatile
	mkdir -p "$LXCPATH/c1/delta0" "$LXCPATH/c1/delta0.work/work/incompat/volatile"
	assert_refused_to c1 aufs "'volatile'" "remove 'delta0.work/work/incompat/volatile'"
}

# --- bdev.aufs = convert ---

has_aufs() { grep -q -w aufs /proc/filesystems; }

# converts_at_start NAME
converts_at_start() {
	aufs_container "$1"
	echo 'bdev.aufs = convert' >>"$LXCPATH/$1/config"
}

testStartConvertsOnceWhereTheKernelHasNoAufs() {
	if has_aufs; then skip 'the kernel has aufs' && return; fi
	converts_at_start c1
	start c1
	assertEquals "$err" 0 "$status"
	assertEquals "lxc-bdev: pre-start: 'c1': its delta 'delta0' is overlay's now" "$(our_lines c1 pre-start)"
	assert_shows_the_same c1
	inside c1 /bin/rm /opt/dir/new
	stop c1
	assertContains "$(cat "$LXCPATH/c1/config")" 'bdev.rootfs = overlay:delta0'
	inode=$(stat -c %i "$LXCPATH/c1/delta0")
	sum=$(stat -c '%i %Y' "$LXCPATH/c1/config")
	rm "$LXCPATH/c1.log"
	start c1
	assertEquals "$err" 0 "$status"
	inside c1 /bin/ls -A /opt/dir
	assertEquals 'what was written since is there' '' "$out"
	stop c1
	assertEquals 'nothing is said' '' "$(our_lines c1 pre-start)"
	assertEquals 'delta' "$inode" "$(stat -c %i "$LXCPATH/c1/delta0")"
	assertEquals 'config' "$sum" "$(stat -c '%i %Y' "$LXCPATH/c1/config")"
}

testPlanForeseesIt() {
	if has_aufs; then skip 'the kernel has aufs' && return; fi
	converts_at_start c1
	_before=$(state_of c1)
	bdev plan -P "$LXCPATH" -n c1
	assert_status 0
	assertContains "$out" "mount overlay: 1 lower, upper 'delta0'"
	assertContains "$err" "'c1': a start converts its delta to overlay first"
	assertEquals "$_before" "$(state_of c1)"
}

testPlanRefusesWhatTheStartWould() {
	if has_aufs; then skip 'the kernel has aufs' && return; fi
	container c1 "dir:$base,ro"
	aufs_delta "$LXCPATH/c1/delta0"
	echo 'bdev.rootfs = aufs:delta0' >more.conf
	printf 'bdev.aufs = convert\nlxc.include = %s\n' "$PWD/more.conf" >>"$LXCPATH/c1/config"
	bdev plan -P "$LXCPATH" -n c1
	assert_status 1
	assert_one_line 'it is in an included file'
}

testWithoutItTheStartIsRefusedWithBothWaysOut() {
	if has_aufs; then skip 'the kernel has aufs' && return; fi
	aufs_container c1
	_before=$(state_of c1)
	start c1
	assert_refused c1 'lxc-bdev convert' 'bdev.aufs = convert'
	assertEquals "$_before" "$(state_of c1)"
}

testOtherValuesOfBdevAufsAreRefused() {
	container c1 "dir:$base,ro"
	echo 'bdev.aufs = yes' >>"$LXCPATH/c1/config"
	bdev plan -P "$LXCPATH" -n c1
	assert_status 2
	assert_one_line "bdev.aufs: 'yes': the only value is convert"
}

testStartThatCannotConvertChangesNothing() {
	if has_aufs; then skip 'the kernel has aufs' && return; fi
	converts_at_start c1
	mknod "$LXCPATH/c1/delta0/zero" c 0 0
	_before=$(state_of c1)
	start c1
	assert_refused c1 "not converted: overlay cannot have 'zero'"
	assertEquals "$_before" "$(state_of c1)"
}

# --- interrupted ---

testInterruptedConversionIsNotStartedButFinished() {
	aufs_container c1
	ln -s overlay "$LXCPATH/c1/.lxc-bdev.converting"
	bdev plan -P "$LXCPATH" -n c1
	assert_status 1
	assert_one_line "converting its delta was interrupted; lxc-bdev convert -P '$LXCPATH' -n c1 overlay does the rest"
	start c1
	assert_refused c1 'converting its delta was interrupted'
	assert_refused_to c1 aufs 'does the rest'
	bdev convert -P "$LXCPATH" -n c1 overlay
	assert_status 0
	assert_starts_the_same c1
}

# prestart [COMMAND...] - the hook, as a start of c1 calls it.
prestart() {
	"$@" "$LXC_BDEV_HOOK" pre-start --monitor $$ --name c1 --config "$LXCPATH/c1/config" --rootfs "dir:$LXCPATH/c1/rootfs" \
		2>"$SCRATCH/stderr"
}
poststop() {
	"$LXC_BDEV_HOOK" post-stop --monitor $$ --name c1 --config "$LXCPATH/c1/config" --target stop 2>"$SCRATCH/stderr"
}
shows_the_same() {
	[ "$(cd "$LXCPATH/c1/rootfs/opt" && echo ./* ./dir/*)" = './dir ./dir/new' ]
}

testStartKilledAnywhereIsFinishedByTheNext() {
	if has_aufs; then skip 'the kernel has aufs' && return; fi
	# Memory, as each of them syncs.
	mount -t tmpfs lxc-bdev-tests "$LXCPATH"
	converts_at_start c1
	cp -a "$LXCPATH/c1" "$LXCPATH/before"
	n=0 step=3 interrupted=0
	export LSAN_OPTIONS=detect_leaks=0 # it does not work under ptrace
	while :; do
		n=$((n + step))
		status=0
		prestart "$ROOT/build/tests/tools/kill-at" -w $n || status=$?
		[ "$status" -eq 137 ] || break
		# The rest of a start is killed elsewhere.
		step=3
		[ ! -L "$LXCPATH/c1/.lxc-bdev.converting" ] || { interrupted=$((interrupted + 1)) && step=$SWEEP; }
		prestart
		assertEquals "start after one killed at call $n: $(cat "$SCRATCH/stderr")" 0 $?
		shows_the_same
		assertEquals "killed at call $n: what it shows" 0 $?
		poststop
		assertEquals "$n: $(ls -A "$LXCPATH/c1")" 'config delta0 delta0.work rootfs ' "$(ls -A "$LXCPATH/c1" | tr '\n' ' ')"
		[ "$__shunit_assertsFailed" -eq "$_failed_before" ] || break
		rm -rf "$LXCPATH/c1/delta0" "$LXCPATH/c1/delta0.work"
		cp -a "$LXCPATH/before/delta0" "$LXCPATH/before/config" "$LXCPATH/c1/"
	done
	assertEquals "after $n calls: $(cat "$SCRATCH/stderr")" 0 "$status"
	poststop
	unset LSAN_OPTIONS
	umount "$LXCPATH"
	assertTrue "killed $interrupted times in between" "[ $interrupted -gt $((10 / SWEEP)) ]"
}

# shellcheck source=/dev/null
. shunit2
