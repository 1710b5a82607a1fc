#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Deltas between aufs' form and overlay's: lxc-bdev convert.
# shellcheck source=tests/lib.sh
. "$(dirname -- "$0")/lib.sh"
export LSAN_OPTIONS=detect_leaks=0 # it does not work under ptrace

# white PATH... - whiteouts as aufs makes them.
white() {
	[ -e d/.wh..wh.aufs ] || { : >d/.wh..wh.aufs && chmod 0444 d/.wh..wh.aufs; }
	for _path; do ln d/.wh..wh.aufs "d/$_path"; done
}

# Everything of a tree that is to be kept, and its whiteouts, one line each.
show() { # DIR
	(
		cd "$1" || exit
		find . | LC_ALL=C sort | while IFS= read -r _f; do
			case $(stat -c '%F %t:%T' "$_f") in
			directory*) stat -c '%n %F %a %u:%g %y' "$_f" ;;
			*) stat -c '%n %F %a %u:%g %s %y %t:%T' "$_f" ;;
			esac
		done
		find . -type f | LC_ALL=C sort | xargs -r md5sum
		xattrs
	)
}

# An aufs delta with something of all that there is.
aufs_delta() {
	mkdir -p d/dir/deep d/opaque d/.wh..wh.plnk d/.wh..wh.orph
	white .wh.gone dir/.wh.gone dir/deep/.wh.gone opaque/.wh..wh..opq
	echo content >d/file
	echo new >d/opaque/new
}

is_whiteout() { [ "$(stat -c '%F %t:%T' "$1" 2>/dev/null)" = 'character special file 0:0' ]; }
xattr() { getfattr --only-values -h -n "$2" "$1" 2>/dev/null; }

testAufsBecomesOverlayAndBack() {
	aufs_delta
	bdev convert overlay d
	assert_status 0
	assertEquals "$HERE/d: overlay now: 3 whiteouts, 1 opaque directory, 3 hidden names dropped" "$out"
	assertEquals '' "$err"
	for path in gone dir/gone dir/deep/gone; do
		assertTrue "$path" "is_whiteout d/$path"
	done
	assertEquals y "$(xattr d/opaque trusted.overlay.opaque)"
	assertEquals 'names of aufs' '' "$(find . -name '.wh.*' -o -name '*lxc-bdev*')"
	bdev convert aufs d
	assert_status 0
	assertEquals './.wh..wh.aufs ./.wh.gone ./dir ./dir/.wh.gone ./dir/deep ./dir/deep/.wh.gone ./file ./opaque ./opaque/.wh..wh..opq ./opaque/new' \
		"$(cd d && find . -mindepth 1 | LC_ALL=C sort | tr '\n' ' ' | sed 's/ $//')"
	assertEquals 'hard links of the whiteouts' 4 "$(stat -c %h d/.wh.gone)"
	assertEquals "overlay's attributes" '' "$(getfattr -h -R -d -m 'overlay' d 2>/dev/null)"
}

testAnOverlayOnTheResultShowsWhatAufsShowed() {
	mkdir -p lower/dir/deep lower/opaque work m
	touch lower/gone lower/kept lower/dir/gone lower/dir/deep/gone lower/opaque/old
	aufs_delta
	mkdir d/new
	white new/.wh.ghost
	bdev convert overlay d
	assert_status 0
	bdev mount dir:lower,ro overlay:d m
	assert_status 0
	assertEquals './dir ./dir/deep ./file ./kept ./new ./opaque ./opaque/new' \
		"$(cd m && find . -mindepth 1 | LC_ALL=C sort | tr '\n' ' ' | sed 's/ $//')"
	assertTrue 'a directory that looks empty can be removed' 'rmdir m/new m/dir/deep'
	bdev convert aufs d
	assert_status 1
	assert_one_line 'in use'
	bdev umount m
}

testWhatAWhiteoutHidesInItsOwnDirectoryGoesWithAWarning() {
	mkdir -p d/x
	echo lost >d/x/file
	white .wh.x
	bdev convert overlay d
	assert_status 0
	assert_one_line "d/x' is dropped" 'a whiteout in the same directory hides it'
	assertTrue 'is_whiteout d/x'
}

testWhiteoutsInOpaqueDirectoriesAreDropped() {
	mkdir -p d/o/below
	white o/.wh..wh..opq o/.wh.a o/below/.wh.b
	bdev convert overlay d
	assert_status 0
	assertContains "$out" '2 whiteouts of nothing dropped'
	assertEquals 'd d/o d/o/below' "$(find d | LC_ALL=C sort | tr '\n' ' ' | sed 's/ $//')"
}

testAnOpaqueTopNeedsWhatIsBelow() {
	mkdir -p d/both l1/both l2
	touch l1/one l2/two l2/.wh.three d/mine
	white .wh..wh..opq both/.wh.x
	bdev convert overlay d
	assert_status 1
	assertContains "$err" '--lower'
	bdev convert overlay d --lower l1 --lower l2
	assert_status 0
	assertEquals 'both mine one two' "$(cd d && echo *)"
	assertTrue 'is_whiteout d/one && is_whiteout d/two'
	assertEquals y "$(xattr d/both trusted.overlay.opaque)"
}

testEverythingOfAFileIsKept() {
	mkdir d
	echo data >d/file
	chmod 4755 d/file
	ln d/file d/link
	truncate -s 1M d/hole && echo end >>d/hole
	mkfifo d/fifo
	mknod d/null c 1 3
	ln -s nowhere d/symlink
	setfattr -n user.own -v 1 d/file
	setfattr -n user.overlay.opaque -v y d/file
	setcap cap_net_raw+ep d/hole
	setfacl -m u:17:r d/file d
	mkdir d/dir
	chown 5:6 d/dir d/null
	touch -h -d '2001-02-03 04:05:06.789' d/* d
	show d >before
	# A pseudo-link of aufs', which is another name of the file.
	mkdir d/.wh..wh.plnk
	ln d/file d/.wh..wh.plnk/1.1
	touch -d '2001-02-03 04:05:06.789' d
	cp -a d e
	for way in 'd' 'e --to n'; do
		# shellcheck disable=SC2086 # words
		bdev convert overlay $way
		assert_status 0
	done
	for tree in d n; do
		assertEquals 'its form is said at its top' trusted.overlay.origin "$(getfattr -d -m trusted $tree | sed -n 's/=.*//;2p')"
		setfattr -x trusted.overlay.origin "$tree"
		show "$tree" >after
		assertEquals "$tree" '' "$(diff before after)"
		assertEquals "$tree: names of the file" 2 "$(stat -c %h "$tree/file")"
		assertTrue "$tree: the hole" "[ $(stat -c %b "$tree/hole") -lt 100 ]"
	done
}

testADryRunListsAllAndChangesNothing() {
	aufs_delta
	white opaque/.wh.ghost
	show d >before
	bdev convert overlay d --dry-run
	assert_status 0
	for line in 'whiteout dir/deep/gone' 'opaque opaque' "hidden .wh..wh.plnk: aufs' own" 'ghost opaque/ghost'; do
		assertContains "$out" "$line"
	done
	show d >after
	assertEquals '' "$(diff before after)"
}

testWhatCannotBeSaidIsListedAndNothingIsChanged() {
	aufs_delta
	mknod d/dir/zero c 0 0
	mkdir d/.wh.dir
	: >d/.wh.
	: >d/.wh..wh..dr.1
	setfattr -n trusted.overlay.redirect -v /x d/file
	: >"d/control$(printf '\033')"
	setfattr -n trusted.overlay.x -v x d/control*
	show d >before
	bdev convert overlay d
	assert_status 1
	assertEquals "lines: $err" 7 "$(printf '%s\n' "$err" | wc -l)"
	for text in 'd/dir/zero' 'd/.wh.dir' "d/.wh.'" 'd/.wh..wh..dr.1' 'd/file' '6 entries are not representable'; do
		assertContains "$err" "$text"
	done
	# assertContains would make a control character of it.
	assertTrue 'control characters are shown' "grep -q 'd/control.033' '$SCRATCH/stderr'"
	show d >after
	assertEquals '' "$(diff before after)"
}

testWhatAufsCannotHoldIsRefused() {
	mkdir d
	mknod d/gone c 0 0
	: >d/.wh.name
	: >"d/$(printf '%0243d' 0)"
	: >d/copy
	setfattr -n trusted.overlay.metacopy d/copy
	bdev convert aufs d
	assert_status 1
	assertContains "$err" '3 entries are not representable in aufs format'
	assertTrue 'is_whiteout d/gone'
}

testUserAttributes() {
	mkdir -p d/o
	white .wh.x o/.wh..wh..opq
	bdev convert overlay d --userxattr
	assert_status 0
	assertEquals y "$(xattr d/o user.overlay.opaque)"
	assertEquals '' "$(getfattr -R -d -m trusted d)"
	bdev convert aufs d --userxattr
	assert_status 0
	assertTrue '[ -f d/o/.wh..wh..opq ]'
}

testWhatHasTheFormAlreadyIsLeftAlone() {
	mkdir d e
	mknod d/gone c 0 0
	ino=$(stat -c %i d e)
	bdev convert overlay d e
	assert_status 0
	assertEquals "$ino" "$(stat -c %i d e)"
}

testADirectoryThatIsReplacedBeforeItIsLockedIsRefused() {
	mkdir d
	: >d/.wh.x
	: >trace
	strace -o trace -P "$HERE/d" -e trace=flock -e inject=flock:delay_enter=1000000 "$LXC_BDEV" convert overlay d 2>err1 &
	assertTrue 'the lock is waited for' 'eventually grep -q LOCK_EX trace'
	mv d old && mkdir d && : >d/.wh.y
	wait $!
	assertEquals 1 $?
	assertContains "$(cat err1)" "d' is in use by another process"
	assertTrue 'both are as they were' '[ -f old/.wh.x ] && [ -f d/.wh.y ]'
}

testADirectoryInUseIsRefusedWhoeverUsesIt() {
	mkdir -p d l o m
	: >d/.wh.x
	: >l/.wh.x
	bdev mount "dir:$HERE/d,ro" m
	bdev convert overlay d
	assert_status 1
	assert_one_line "d' is in use as a lower by mount on '$HERE/m'"
	bdev umount m
	bdev mount "overlay:$HERE/l:o" m
	bdev convert overlay l
	assert_status 1
	assert_one_line "l' is in use as a lower by mount on '$HERE/m'"
	bdev umount m
	mount -t overlay none -o "lowerdir=$HERE/o:$HERE/d/../d" m
	bdev convert overlay d
	assert_status 1
	assert_one_line "d' is in use as a lower by the mount on '$HERE/m'"
	umount m
	# In a namespace of its own, bound.
	# shellcheck disable=SC2016 # for the other shell
	unshare -m --propagation private sh -c 'mount --bind "$1/d" "$1/m" && : >"$1/ready" && exec sleep 100' sh "$HERE" &
	eventually test -e ready
	bdev convert overlay d
	assert_status 1
	assert_one_line "d' is in use by the mount on '$HERE/m' in the mount namespace of process"
	kill $!
	wait $! 2>/dev/null
	bdev convert overlay d
	assert_status 0
}

testKilledAnywhereItIsOldOrNewAndASecondRunFinishes() {
	# Memory, as each of them syncs.
	mkdir memory
	mount -t tmpfs lxc-bdev-tests memory
	cd memory || return
	aufs_delta
	setfattr -n trusted.x -v y d/file
	cp -a d old
	cp -a d new
	bdev convert overlay new
	for to in overlay aufs; do
		show old | grep -v '\.wh\.\.wh\.' >old.txt
		show new | grep -v '\.wh\.\.wh\.' >new.txt
		n=0 was_old=0 was_new=0
		while :; do
			n=$((n + SWEEP))
			rm -rf d .d.lxc-bdev-convert
			cp -a old d
			status=0
			"$ROOT/build/tests/tools/kill-at" -w $n "$LXC_BDEV" convert $to d >/dev/null 2>"$SCRATCH/stderr" || status=$?
			[ "$status" -eq 137 ] || break
			show d | grep -v '\.wh\.\.wh\.' >now.txt
			if cmp -s now.txt old.txt; then
				was_old=$((was_old + 1))
			elif same_tree now.txt new.txt; then
				was_new=$((was_new + 1))
			else
				fail "killed at call $n of a conversion to $to: $(diff now.txt new.txt)"
				return
			fi
			"$LXC_BDEV" convert $to d >/dev/null
			assertEquals "the second run, $n" 0 $?
			show d | grep -v '\.wh\.\.wh\.' >now.txt
			same_tree now.txt new.txt || fail "after the second run, $n: $(diff now.txt new.txt)"
			assertEquals "left, $n" '' "$(find . -name '*.lxc-bdev-convert')"
			[ "$__shunit_assertsFailed" -eq "$_failed_before" ] || return
		done
		assertEquals "$(cat "$SCRATCH/stderr")" 0 "$status"
		assertTrue "$n calls, $was_old old, $was_new new" "[ $was_old -gt $((15 / SWEEP)) ] && [ $was_new -gt $((5 / SWEEP)) ]"
		cp -a new older && rm -rf old new && mv older old && cp -a old new && bdev convert aufs new
	done
}
# The same but for the times of aufs' whiteouts, and for the attributes that go last.
same_tree() {
	sed '/\.wh\./d; /^trusted.overlay/d' "$1" >a.txt
	sed '/\.wh\./d; /^trusted.overlay/d' "$2" >b.txt
	sed -i '/character special file 0 .*0:0/s/ [0-9-]* [0-9:.]* +0000//' a.txt b.txt
	cmp -s a.txt b.txt
}

testAStoreOfTheGraphDriver() {
	mkdir -p s/layers s/diff/base/dir s/diff/top/dir s/mnt/base s/mnt/top
	: >s/layers/base
	echo base >s/layers/top
	echo file >s/diff/base/file
	echo file >s/diff/base/dir/file
	: >s/diff/top/.wh..wh..opq
	: >s/diff/top/dir/new
	mount -t tmpfs none s/mnt/top
	bdev convert overlay s
	assert_status 1
	assert_one_line 'mnt/top' 'is mounted'
	umount s/mnt/top
	bdev convert overlay s
	assert_status 0
	assertTrue 'is_whiteout s/diff/top/file'
	assertEquals y "$(xattr s/diff/top/dir trusted.overlay.opaque)"
	bdev convert overlay s
	assert_status 0
}

testAStoreOfWhichSomethingIsMissingIsRefusedByName() {
	mkdir -p s/layers s/diff/base s/diff/top s/mnt
	: >s/diff/base/.wh.x
	: >s/layers/base
	bdev convert overlay s
	assert_status 1
	assert_one_line "s/diff/top' has no record"
	echo gone >s/layers/top
	bdev convert overlay s
	assert_status 1
	assert_one_line "s/layers/top' names 'gone'"
	echo base >s/layers/top
	rm -r s/diff/top
	bdev convert overlay s
	assert_status 1
	assert_one_line "s/layers/top' is the record of a layer that"
	assertTrue 'nothing is changed' '[ -f s/diff/base/.wh.x ]'
}

testCheckOfAStoreIsLayerByLayer() {
	mkdir -p s/layers s/diff/base/d s/mnt
	: >s/layers/base
	mkdir s/diff/base/.wh..wh.plnk
	bdev convert --check s
	assert_status 0
	assertContains "$out" 's/diff/base: aufs'
	: >s/diff/base/d/.wh..wh.aufs
	bdev convert --check s
	assert_status 1
	assertContains "$out" 'hidden base/d/.wh..wh.aufs'
}

testADirectoryThatIsNoDeltaIsRefusedWithWhatIsMeant() {
	mkdir -p c/delta0 docker/aufs/layers docker/aufs/diff docker/aufs/mnt s/diff s/mnt
	: >c/delta0/.wh.x
	echo 'lxc.uts.name = c' >c/config
	bdev convert overlay c
	assert_status 1
	assert_one_line "c' is a container's directory: lxc-bdev convert -P '$HERE' -n c overlay"
	bdev convert overlay docker
	assert_status 1
	assert_one_line "holds a store: lxc-bdev convert overlay $HERE/docker/aufs"
	bdev convert overlay s
	assert_status 1
	assert_one_line "not its 'layers'"
}

testADeltaWithTheNamesOfAStoreIsADelta() {
	mkdir -p d/layers d/diff d/mnt d/.wh..wh.plnk
	: >d/.wh.x
	bdev convert overlay d
	assert_status 0
	assertTrue 'is_whiteout d/x'
	mkdir -p e/layers e/diff e/mnt
	: >e/.wh.x
	bdev convert overlay e
	assert_status 1
	assert_one_line "contains '.wh.x' too"
}

testAttributesOfTheOtherKindAreNotLost() {
	mkdir -p d/o
	mknod d/x c 0 0
	setfattr -n user.overlay.opaque -v y d/o
	bdev convert aufs d
	assert_status 1
	assertContains "$err" "d/o': it has a meaning with --userxattr only"
	setfattr -x user.overlay.opaque d/o
	setfattr -n trusted.overlay.opaque -v y d/o
	bdev convert aufs d --userxattr
	assert_status 1
	assertContains "$err" "d/o': it has a meaning without --userxattr only"
	assertTrue 'is_whiteout d/x'
}

testAllDirectoriesAreLookedAtFirst() {
	mkdir d e
	: >d/.wh.x
	: >e/.wh.x
	mknod e/zero c 0 0
	bdev convert overlay d e
	assert_status 1
	assertTrue '[ -f d/.wh.x ]'
}

testImmutableDirectoryIsRefusedBeforeAnythingIsChanged() {
	mkdir -p d/dir
	: >d/.wh.x
	chattr +i d/dir 2>/dev/null || { skip 'no immutable files here' && return; }
	bdev convert overlay d
	chattr -i d/dir
	assert_status 1
	assertContains "$err" "d/dir': it is immutable or append-only"
}

testFlagsOfDirectoriesAreKept() {
	mkdir -p d/dir
	: >d/.wh.x
	chattr +d d/dir d 2>/dev/null || { skip 'no such flags here' && return; }
	lsattr -d d d/dir >before
	bdev convert overlay d
	assert_status 0
	assertEquals "$(cat before)" "$(lsattr -d d d/dir)"
}

testACopyOfTheDeltaByHardLinksKeepsItsWhiteouts() {
	mkdir d
	setfattr -n trusted.overlay.opaque -v x d
	: >d/gone
	setfattr -n trusted.overlay.whiteout -v y d/gone
	cp -al d backup
	bdev convert aufs d
	assert_status 0
	assertTrue '[ -f d/.wh.gone ]'
	assertEquals y "$(xattr backup/gone trusted.overlay.whiteout)"
}

testKilledAfterTheExchangeItIsFinishedBothWays() {
	mkdir d
	mknod d/x c 0 0
	echo data >d/file
	setfattr -n trusted.overlay.origin -v x d/file
	for to in aufs overlay; do
		rm -rf e
		cp -a d e
		strace -f -qq -o trace -e trace=lremovexattr -e inject=lremovexattr:signal=KILL:when=1 \
			"$LXC_BDEV" convert aufs e >/dev/null 2>&1
		bdev convert $to e
		assertEquals "$to: $err" 0 "$status"
		assertEquals "$to" '' "$(find . -name '*lxc-bdev-convert')"
	done
	assertTrue 'is_whiteout e/x'
}

testCheck() {
	aufs_delta
	bdev convert --check d
	assert_status 0
	assertContains "$out" 'd: aufs: 3 whiteouts, 1 opaque directory'
	cp -a d e
	bdev convert overlay e
	bdev convert --check e
	assert_status 0
	assertContains "$out" 'e: overlay: 3 whiteouts'
	: >e/.wh.mixed
	bdev convert --check e
	assert_status 1
	assertContains "$out" 'mixed'
	rm e/.wh.mixed
	mknod e/opaque/ghost c 0 0
	bdev convert --check e
	assert_status 1
	assertContains "$out" 'ghost opaque/ghost'
	rm e/opaque/ghost
	mkdir e/new l && mknod e/new/ghost c 0 0
	bdev convert --check e
	assert_status 0
	bdev convert --check e --lower l
	assert_status 1
	assertContains "$out" 'ghost new/ghost'
	rm -r e/new
	for attribute in trusted.overlay.redirect trusted.overlay.metacopy user.overlay.opaque trusted.overlay.unknown; do
		setfattr -n "$attribute" -v x e/file
		bdev convert --check e
		assert_status 1
		assertContains "$attribute" "$out" 'not-representable file'
		setfattr -x "$attribute" e/file
	done
	setfattr -n trusted.overlay.opaque -v y e
	bdev convert --check e
	assert_status 1
	mkdir d/gone d/dir/.wh..wh.orph
	bdev convert --check d
	assert_status 1
	assertContains "$out" 'hidden gone'
	assertContains "$out" 'hidden dir/.wh..wh.orph'
	bdev convert --check
	assert_status 2
}

testUsage() {
	bdev convert other d
	assert_status 2
	bdev convert overlay
	assert_status 2
	bdev convert overlay a b --to c
	assert_status 2
	bdev convert overlay none
	assert_status 1
	assert_one_line none
	mkdir d
	: >n
	bdev convert overlay d --to n
	assert_status 1
	assert_one_line 'exists already'
	bdev convert overlay d --to d/x
	assert_status 1
	assert_one_line 'is inside the directory that is converted'
	bdev convert d overlay
	assert_status 2
	assert_one_line 'the format comes first: lxc-bdev convert overlay d'
	bdev convert -n c1
	assert_status 2
	assert_one_line 'missing format; lxc-bdev convert -n c1 overlay'
	bdev convert -n c1 -f x overlay
	assert_status 2
	assert_one_line "unknown option '-f'"
	bdev convert overlay d
	assertContains "$out" 'nothing to convert: it is plain'
	mknod d/x c 0 0
	bdev convert overlay d
	assertContains "$out" "nothing to convert: it has the overlay format already"
	run setpriv --reuid 65534 --clear-groups "$(for_everybody)" convert --check /
	assert_status 1
	assert_one_line 'this needs root'
}

# shellcheck source=/dev/null
. shunit2
