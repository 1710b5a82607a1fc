#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# overlay: a writable upper over lowers. All of it three times: the way this kernel is spoken to, and the two ways for
# older kernels (see kernel/overlay.c), which the knob LXC_BDEV_OVERLAY forces.
# shellcheck source=tests/lib.sh
. "$(dirname -- "$0")/lib.sh"

setUpEach() {
	mkdir m m2 a b c
	for _d in a b c; do
		echo "$_d" >"$_d/who"
		echo "$_d" >"$_d/only-$_d"
	done
}

tearDownEach() { chattr -R -i "$HERE/a" "$HERE/b" "$HERE"/*work 2>/dev/null; }

assert_refused() { # TEXT...
	assert_status 1
	assert_one_line "$@"
	assertTrue 'nothing is left' nothing_left
}

# What the kernel says of the overlay on TARGET.
kernel_options() { awk -v at=" $(printf '%s' "$HERE/$1" | sed 's/ /\\\\040/g') " 'index($0, at)' /proc/self/mountinfo | sed 's/.* - //'; }

checkWriteGoesToTheUpper() {
	mkdir up
	bdev mount dir:a,ro overlay:up m
	assert_status 0
	assertEquals a "$(cat m/who)"
	echo new >m/who
	rm m/only-a
	bdev umount m
	assertEquals 'the lower' 'a a' "$(cat a/who a/only-a | paste -sd ' ')"
	assertEquals 'the upper' new "$(cat up/who)"
	bdev mount dir:a,ro overlay:up m
	assertEquals 'the second time' "$(printf 'new\n')" "$(cat m/who)"
	assertFalse 'what was deleted stays so' '[ -e m/only-a ]'
}

checkRelativeUpperIsMadeWithTheLowersOwnerAndMode() {
	chmod 1751 a && chown 12:34 a
	bdev mount dir:a,ro overlay:new/deep/up m
	assert_status 1
	assert_one_line 'new/deep' # its parent must exist
	bdev mount dir:a,ro overlay:up m
	assert_status 0
	assertEquals '1751 12:34' "$(stat -c '%a %u:%g' m)"
	assertEquals '1751 12:34' "$(stat -c '%a %u:%g' up)"
}

# A record is of the directory, not of its name.
checkTheMarkOfAnotherWorkDirectoryIsNotRemoved() {
	mkdir up
	bdev mount dir:a,ro overlay:up,volatile m
	assert_status 0
	mv up.work elsewhere
	mkdir -p up.work/work/incompat/volatile && touch up.work/work/incompat/volatile/dirty
	bdev umount m
	assert_status 0
	assertTrue 'the mark of the other one' '[ -e up.work/work/incompat/volatile/dirty ]'
}

checkAbsoluteUpperIsNotMade() {
	bdev mount dir:a,ro "overlay:$HERE/up" m
	assert_refused "open upper '$HERE/up'" 'No such file or directory'
	assertFalse '[ -e up ]'
}

checkAliasOverlayfs() {
	mkdir up
	bdev mount overlayfs:a:up m
	assert_status 0
	assertEquals a "$(cat m/who)"
}

# LXC's string, and the kernel's order: the first lower is the uppermost.
checkLxcStringAndTheOrderOfLowers() {
	mkdir up up2 work2 kernel
	bdev mount "overlay:$HERE/a:$HERE/b:$HERE/c:$HERE/up" m
	assert_status 0
	mount -t overlay -o lowerdir=a:b:c,upperdir=up2,workdir=work2 overlay kernel
	assertEquals 'as the kernel orders them' "$(cat kernel/who)" "$(cat m/who)"
	assertEquals "$(ls kernel)" "$(ls m)"
	umount kernel
}

checkImageBelowInTheStackIsALower() {
	make_image image ext4 8 "$PWD/a"
	bdev mount loop:image,ro overlay:up m
	assert_status 0
	assertEquals a "$(cat m/who)"
}

checkOfTwoBelowTheLastLineIsUppermost() {
	make_image lowest ext4 8 "$PWD/a"
	make_image above squashfs 0 "$PWD/b"
	bdev mount loop:lowest,ro loop:above overlay:up m
	assert_status 0
	assertEquals b "$(cat m/who)"
	assertEquals a "$(cat m/only-a)"
	bdev umount m
	assertTrue 'nothing is left' nothing_left
}

checkNamedLowersAreAboveTheStack() {
	bdev mount dir:a,ro overlay:b:c:up m
	assert_status 0
	assertEquals b "$(cat m/who)"
	assertEquals 'a b c' "$(cat m/only-* | paste -sd ' ')"
}

checkLayersWithSeparatorsInTheirNames() {
	lower='l:o,w e\r=1' upper='u:p,p e\r=1'
	mv a "$lower" && mkdir "$upper"
	bdev mount 'overlay:l\:o\,w\ e\\r=1:u\:p\,p\ e\\r=1' m
	assert_status 0
	assertEquals a "$(cat m/who)"
	echo new >m/new
	assertEquals new "$(cat "$upper/new")"
	bdev umount m
	bdev mount "dir:$(printf '%s' "$lower" | sed 's/[\\:,]/\\&/g'),ro" 'overlay:new\:one\,2' m
	assert_status 0
	assertTrue "[ -d 'new:one,2' ]"
}

checkLongNames() {
	name=$(printf '%0250d' 0)
	mkdir -p "$name/$name/$name/l" "$name/$name/$name/up" && cp a/who "$name/$name/$name/l"
	bdev mount "overlay:$name/$name/$name/l:$name/$name/$name/up" m
	assert_status 0
	assertEquals a "$(cat m/who)"
}

lowers() { # N - "l1:l2:...:"
	mkdir l
	i=0
	while [ $((i += 1)) -le "$1" ]; do
		mkdir "l/$i" && echo $i >"l/$i/only-$i" && printf 'l/%d:' "$i"
	done
}

checkFiveHundredLowersWork() {
	bdev mount "overlay:$(lowers 500)up" m
	assert_status 0
	assertEquals 500 "$(find m -name 'only-*' | wc -l)"
	assertEquals '1 250 500' "$(cat m/only-1 m/only-250 m/only-500 | paste -sd ' ')"
}

checkFiveHundredAndOneAreRefusedBeforeAnythingIsDone() {
	spec="overlay:$(lowers 501)up"
	run strace -o trace -e trace=fsopen,mount,mkdirat,mkdir,open_tree "$LXC_BDEV" mount "$spec" m
	assert_refused '501 lowers; the kernel takes at most 500'
	assertEquals 'nothing was tried' '+++ exited with 1 +++' "$(cat trace)"
	assertFalse '[ -e up ]'
}

checkStackOfTwoOverlaysWorks() {
	bdev mount dir:a,ro overlay:up1 overlay:up2 m
	assert_status 0
	echo new >m/who
	assertEquals new "$(cat up2/who)"
}

checkStackOfThreeOverlaysIsRefused() {
	run strace -o trace -e trace=fsopen,mount,mkdirat,mkdir,open_tree "$LXC_BDEV" mount dir:a,ro overlay:up1 overlay:up2 overlay:up3 m
	assert_refused "'overlay:up3': would be 3 stacking file systems on each other; the kernel allows 2"
	assertEquals 'nothing was tried' '+++ exited with 1 +++' "$(cat trace)"
}

checkDepthOfWhatIsMountedCounts() {
	bdev mount dir:a,ro overlay:up1 m
	bdev mount dir:m,ro overlay:up2 m2
	assert_status 0
	assertEquals a "$(cat m2/who)"
	mkdir m3
	bdev mount dir:m,ro overlay:up3 overlay:up4 m3
	assert_status 1
	assert_one_line "'overlay:up4': would be 3 stacking file systems"
	# How many are in one that is mounted already, only the kernel knows.
	for spec in overlay:m2:up3 dir:m2,ro\ overlay:up3; do
		# shellcheck disable=SC2086 # several specs
		bdev mount $spec m3
		assert_status 1
		assert_one_line 'a lower is an overlay itself, and the kernel stacks no more than two'
	done
	bdev umount m2
}

checkUpperOnOverlayIsRefused() {
	bdev mount dir:a,ro overlay:up m
	mkdir m/inner
	bdev mount dir:b,ro overlay:m/inner m2
	assert_status 1
	assert_one_line "upper 'm/inner' lies on an overlay"
	bdev mount dir:b,ro overlay:m/made m2
	assert_status 1
	assert_one_line "upper 'm/made' lies on an overlay"
}

checkUpperOnAReadOnlyFileSystemIsRefused() {
	make_image image squashfs 0 "$PWD/a"
	bdev mount loop:image m
	bdev mount dir:b,ro overlay:m m2
	assert_status 1
	assert_one_line "upper 'm' lies on a read-only file system"
	bdev umount m
	mkdir up && mount --bind up m && mount -o remount,bind,ro m
	bdev mount dir:b,ro overlay:m m2
	assert_status 1
	assert_one_line "upper 'm' lies on a read-only file system"
	umount m
}

checkUpperOnAFileSystemWithoutTrustedAttributesIsRefused() {
	bdev mount dir:a,ro overlay:/proc/self m
	assert_refused "upper '/proc/self'"
}

checkUpperAndWorkMustNotContainEachOther() {
	mkdir up
	for work in up up/work .; do
		bdev mount dir:a,ro "overlay:up,work=$work" m
		assert_refused 'must not contain each other'
	done
	# By other names of it, the kernel sees it.
	ln -s up link
	bdev mount dir:a,ro overlay:up,work=link m
	assert_status 1
	mkdir up/w
	bdev mount dir:a,ro overlay:up,work=link/w m
	assert_refused
}

checkLayersInsideEachOtherAreRefused() {
	mkdir a/inner
	for spec in overlay:a:a overlay:a/inner:a overlay:a:a/inner:b overlay:a/inner:a:b; do
		bdev mount "$spec" m
		assert_refused 'one layer is the same as another, or inside it'
	done
	bdev mount dir:a overlay:a m
	assert_refused 'one layer is the same as another, or inside it'
}

checkUpperInsideALowerIsFine() {
	mkdir a/up
	bdev mount overlay:a:a/up m
	assert_status 0
	echo new >m/new
	assertEquals new "$(cat a/up/new)"
}

checkWorkDirectory() {
	mkdir up
	bdev mount dir:a,ro overlay:up,work=mywork m
	assert_status 0
	assertTrue '[ -d mywork/work ]'
	assertFalse '[ -e up.work ]'
	bdev umount m
	bdev mount dir:a,ro overlay:up m
	assert_status 0
	assertTrue 'the default is UPPER.work' '[ -d up.work/work ]'
}

checkWorkOnAnotherFileSystemIsRefused() {
	mkdir up w
	mount -t tmpfs tmpfs w
	bdev mount dir:a,ro overlay:up,work=w/work m
	assert_status 1
	assertEquals 'one line' 1 "$(wc -l <"$SCRATCH/stderr")"
	umount w
}

checkSameLowerTwiceIsRefused() {
	bdev mount overlay:a:b:a:up m
	assert_refused "lowers 'a' and 'a' are the same directory"
	ln -s a link
	bdev mount overlay:a:./a:up m
	assert_refused "lowers 'a' and './a' are the same directory"
	bdev mount overlay:a:link:up m
	assert_refused "lowers 'a' and 'link' are the same directory"
	bdev mount dir:a,ro overlay:a:up m
	assert_refused 'one layer is the same as another, or inside it'
}

checkUpperOfAnotherMountOfOursIsRefused() {
	mkdir up
	bdev mount dir:a,ro overlay:up m
	bdev mount dir:b,ro overlay:up m2
	assert_status 1
	assert_one_line "upper 'up' is in use by mount on '$HERE/m'"
	ln -s up link
	bdev mount dir:b,ro overlay:link,work=other m2
	assert_status 1
	assert_one_line "upper 'link' is in use by mount on '$HERE/m'"
	bdev umount m
	bdev mount dir:a,ro overlay:up m2
	assert_status 0
}

checkUpperStaysTakenWhileTheOldMountIsInUse() {
	mkdir up
	bdev mount dir:a,ro overlay:up m
	exec 9<m/who
	umount -l m
	bdev mount dir:a,ro overlay:up m2
	assert_status 1
	assert_one_line "upper 'up' is in use"
	exec 9<&-
	bdev mount dir:a,ro overlay:up m2
	assert_status 0
}

checkOneOfTenGetsTheUpper() {
	mkdir up
	for i in 1 2 3 4 5 6 7 8 9 10; do
		mkdir "t$i"
		"$LXC_BDEV" mount dir:a,ro overlay:up "t$i" 2>"err$i" && echo "$i" >>won &
	done
	wait
	assertEquals "winners; $(cat err*)" 1 "$(wc -l <won)"
	assertEquals 'overlays' 1 "$(mounts_here | wc -l)"
}

checkVolatile() {
	mkdir up
	bdev mount dir:a,ro overlay:up,volatile m
	assert_status 0
	assertContains "$(kernel_options m)" volatile
	bdev umount m
	bdev mount dir:a,ro overlay:up,volatile m
	assertEquals "again after umount: $err" 0 "$status"
	bdev umount m
	bdev mount dir:a,ro overlay:up m
	assertEquals "and without it: $err" 0 "$status"
	assertNotContains 'only when asked for' "$(kernel_options m)" volatile
}

checkVolatileIsRefusedAfterACrashOfTheHost() {
	mkdir up
	bdev mount dir:a,ro overlay:up,volatile m
	umount m && rm -r /run/lxc-bdev/m.* # as a crash does
	for spec in overlay:up,volatile overlay:up; do
		bdev mount dir:a,ro $spec m
		assert_status 1
		assert_one_line "'$spec'" "'up.work/work/incompat/volatile'"
	done
	rm -r up.work/work/incompat/volatile
	bdev mount dir:a,ro overlay:up m
	assert_status 0
	bdev umount m
}

checkVolatileStaysMarkedWhileItIsInUse() {
	mkdir up
	bdev mount dir:a,ro overlay:up,volatile m
	exec 9<m/who
	umount -l m
	bdev umount m
	assertTrue 'the marker' '[ -d up.work/work/incompat/volatile ]'
	exec 9<&-
	bdev umount m
	assert_status 0
	assertFalse 'the marker of what nobody uses' '[ -e up.work/work/incompat/volatile ]'
}

# Each mount that fails is a line in the kernel's log.
checkWhetherAnUpperIsFreeIsNoErrorOfTheKernels() {
	mkdir up
	run strace -f -o trace -e trace=fsconfig "$LXC_BDEV" mount dir:a,ro overlay:up m
	assert_status 0
	assertEquals '' "$(grep -e ' = -1 ' trace)"
	assertContains 'it was asked' "$(cat trace)" '"index", "on"'
}

# As a conversion does, between the look at the upper and its lock.
checkAnUpperThatIsReplacedBeforeItIsLockedIsRefused() {
	mkdir up
	strace -o /dev/null -P "$HERE/up" -e trace=flock -e inject=flock:delay_enter=2000000 \
		"$LXC_BDEV" mount dir:a,ro overlay:up m 2>err1 &
	# shellcheck disable=SC2016 # for the inner shell
	eventually sh -c '[ "$(find /proc/[0-9]*/fd -lname "$1" 2>/dev/null)" ]' sh "$HERE/up"
	mv up old && mkdir up
	wait $!
	assertEquals 1 $?
	assertContains "$(cat err1)" "upper 'up' was replaced concurrently; try again"
	assertTrue 'nothing is left' nothing_left
}

checkALowerThatIsReplacedBeforeItIsLockedIsRefused() {
	: >trace
	strace -o trace -P "$HERE/a" -e trace=flock -e inject=flock:delay_enter=1000000 \
		"$LXC_BDEV" mount dir:a,ro overlay:up m 2>err1 &
	assertTrue 'the lock is waited for' 'eventually grep -q LOCK_SH trace'
	mv a old && mkdir a
	wait $!
	assertEquals 1 $?
	assertContains "$(cat err1)" "'a' was replaced concurrently; try again"
	assertTrue 'nothing is left' nothing_left
}

# Only the kernel knows of it.
checkAnUpperOfAnOverlayThatIsMountedNowhereIsInUse() {
	mkdir up work
	mount -t overlay -o lowerdir=a,upperdir=up,workdir=work,index=off none m
	exec 9<m/who
	umount -l m
	bdev mount dir:b,ro overlay:up m2
	assert_refused "upper 'up' is in use by another mount"
	bdev mount dir:b,ro overlay:new,work=work m2
	assert_status 1
	assert_one_line work
	exec 9<&-
	eventually "$LXC_BDEV" mount dir:b,ro overlay:up m2 2>/dev/null
	assertEquals b "$(cat m2/only-b)"
}

checkReadOnlyShowsTheUpper() {
	mkdir up
	bdev mount dir:a,ro overlay:up m
	echo new >m/who
	bdev umount m
	bdev mount dir:a,ro overlay:up,ro m
	assert_status 0
	assertEquals new "$(cat m/who)"
	run touch m/x
	assertContains "$err" 'Read-only file system'
	run mount -o remount,rw m
	run touch m/x
	assertContains 'there is no upper to write to' "$err" 'Read-only file system'
	# Readers need not be alone.
	bdev mount dir:a,ro overlay:up,ro m2
	assert_status 0
	bdev umount m2
}

checkReadOnlyOnANewTmpfsIsRefused() {
	bdev mount dir:a,ro tmpfs:. overlay:up,ro m
	assert_refused 'would always be empty'
}

checkOptionsThatDoNotVaryByDistribution() {
	mkdir up
	bdev mount dir:a,ro overlay:up m
	options=$(kernel_options m)
	assertContains "$options" 'overlay lxc-bdev'
	assertContains "$options" redirect_dir=nofollow
	# What the kernel's own default is, it does not show: so set the module's to the opposite.
	assertNotContains "$options" metacopy=on
	assertNotContains "$options" index=on
	assertNotContains "$options" xino=on
	run strace -s 999 -e trace=fsconfig,mount "$LXC_BDEV" mount dir:b,ro overlay:up2 m2
	for option in redirect_dir nofollow metacopy off index xino; do
		assertContains "$err" "$option"
	done
}

checkUnusableWorkDirectoryIsRefusedNotSilentlyReadOnly() {
	mkdir up w
	chattr +i w
	bdev mount dir:a,ro overlay:up,work=w m
	chattr -i w
	assert_refused "'w'"
}

checkNoLowerIsRefused() {
	mkdir up
	bdev mount overlay:up m
	assert_refused "'overlay:up': no lower"
}

checkLowerThatIsNoneIsRefused() {
	echo text >file
	bdev mount overlay:file:up m
	assert_refused "lower 'file'" 'Not a directory'
	bdev mount overlay:gone:up m
	assert_refused "lower 'gone'" 'No such file or directory'
	bdev mount dir:a,ro overlay:file m
	assert_refused "upper 'file'" 'Not a directory'
}

checkPathsOutOfTheDirectoryAreRefused() {
	mkdir in outside in/m && cp -r a in && cd in || return
	ln -s ../outside link
	ln -s "$HERE/outside" absolute
	reason='a relative path belongs to the container, and this one leads out of its directory'
	for path in ../outside link link/up absolute/up a/../../outside ..; do
		bdev mount dir:a,ro "overlay:$path" m
		assert_refused "upper '$path'" "$reason"
		bdev mount dir:a,ro "overlay:up,work=$path" m
		assert_refused "'$path'" "$reason"
		bdev mount "overlay:$path:up" m
		assert_refused "lower '$path'" "$reason"
	done
	for path in ../outside a/../../outside ..; do
		bdev mount dir:a,ro tmpfs:. "overlay:$path" m
		assert_refused "upper '$path'" "$reason"
	done
	assertEquals 'made outside' '' "$(ls ../outside)"
	assertFalse 'made outside' '[ -e ../outside.work ]'
	assertFalse 'made outside' '[ -e ../up ]'
}

checkDotsInsideTheDirectoryAreFine() {
	mkdir -p up sub
	bdev mount dir:sub/../a,ro overlay:./sub/../up m
	assert_status 0
	assertEquals a "$(cat m/who)"
}

checkAbsolutePathsMayLeadThroughSymlinks() {
	mkdir disk disk/up
	ln -s "$HERE/disk" link
	bdev mount dir:a,ro "overlay:$HERE/link/up" m
	assert_status 0
	assertTrue '[ -d disk/up.work ]'
	bdev mount dir:a,ro "overlay:up2,work=$HERE/link/w" m2
	assert_status 0
}

checkMountsBelowALowerAreNotShown() {
	mkdir a/sub up && mount --bind b a/sub
	bdev mount dir:a,ro overlay:up m
	assert_status 0
	assertEquals '' "$(ls m/sub)"
	umount a/sub
}

checkKilledAtTheOverlayLeavesNothing() {
	mkdir up
	for call in fsmount,mount move_mount; do
		run strace -o /dev/null -e trace=$call -e "inject=$call:signal=KILL" "$LXC_BDEV" mount dir:a,ro overlay:up m
		assertEquals "killed at $call" 137 "$status"
		assertEquals 'mounts' '' "$(mounts_here)"
	done
	bdev mount dir:a,ro overlay:up m
	assert_status 0
	bdev umount m
	assertTrue 'nothing is left' nothing_left
}

suite() {
	sed -n 's/^check\([A-Za-z]*\)().*/\1/p' "$0" >"$SCRATCH/checks"
	for _way in native string mount; do
		while read -r _check; do
			eval "test_${_way}_$_check() { LXC_BDEV_OVERLAY=$_way; export LXC_BDEV_OVERLAY; check$_check; }"
			suite_addTest "test_${_way}_$_check"
		done <"$SCRATCH/checks"
	done
}

# shellcheck source=/dev/null
. shunit2
