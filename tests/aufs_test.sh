#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# aufs: a writable upper over lowers. No kernel that is common has it, so on one that has not, what it is told is looked
# at (strace fakes its success), and a fake of it (tests/tools/fake-aufs.c) tells what it did. Where the kernel has it,
# the last tests, with real containers, run, too.
# shellcheck source=tests/lib.sh
. "$(dirname -- "$0")/lib.sh"
# shellcheck source=tests/aufs.sh
. "$(dirname -- "$0")/aufs.sh"

assert_refused() { # TEXT...
	assert_status 1
	assert_one_line "$@"
	assertTrue 'nothing is left' nothing_left
}
refuses() { # SPEC... TEXT - and before anything is done.
	while [ $# -gt 1 ]; do
		_specs="$_specs $1"
		shift
	done
	# shellcheck disable=SC2086 # several specs
	run strace -o trace -e trace=fsopen,mount,mkdirat,mkdir,open_tree,unshare "$LXC_BDEV" mount $_specs m
	_specs=''
	assert_status "${wanted-1}"
	assert_one_line "$1"
	assertEquals 'nothing was tried' "+++ exited with ${wanted-1} +++" "$(cat trace)"
}
_specs=''

testOptionsAreInTheOrderOfLxcWithTheOthersBehind() {
	told dir:a,ro dir:b,ro aufs:c:up,dirperm1=on
	assertEquals 'mount("lxc-bdev", "STAGE/2", "aufs", 0, "br=HERE/up=rw:HERE/c=ro+wh:1=ro+wh:0=ro+wh,dio,acl,xino=xino.3,dirperm1")' \
		"$(printf '%s\n' "$calls" | head -n 1)"
	told aufs:a:b,dirperm1=off,xino=off
	assertEquals 'mount("lxc-bdev", "STAGE/0", "aufs", 0, "br=HERE/b=rw:HERE/a=ro+wh,dio,acl,noxino")' \
		"$(printf '%s\n' "$calls" | head -n 1)"
	told aufs:a:b,ro,dirperm1=off,xino=c/ino
	assertEquals 'mount("lxc-bdev", "STAGE/0", "aufs", MS_RDONLY, "br=HERE/b=ro+wh:HERE/a=ro+wh,dio,acl,xino=HERE/c/ino")' \
		"$(printf '%s\n' "$calls" | head -n 1)"
	told dir:a,ro tmpfs:. aufs:up,dirperm1=off
	assertEquals 'mount("lxc-bdev", "STAGE/2", "aufs", 0, "br=1/up=rw:0=ro+wh,dio,acl,xino=xino.3")' \
		"$(printf '%s\n' "$calls" | head -n 1)"
}

# lowers N - l1...lN in a place with a short name; prints "/mnt/l1:...:/mnt/lN:".
lowers() {
	_i=0
	while [ $((_i += 1)) -le "$1" ]; do mkdir "/mnt/l$_i" && printf '/mnt/l%d:' "$_i"; done
}

# One call with as many branches as 64 options allow, of which four are not branches; then one call for each more.
expect_calls() { # N
	awk -v n="$1" 'BEGIN {
		printf "mount(\"lxc-bdev\", \"STAGE/0\", \"aufs\", 0, \"br=/mnt/up=rw"
		for (i = 1; i <= n && i <= 59; i++) printf ":/mnt/l%d=ro+wh", i
		print ",dio,acl,xino=xino.1,dirperm1\")"
		for (; i <= n; i++)
			printf "mount(\"lxc-bdev\", \"STAGE/0\", \"aufs\", MS_REMOUNT, \"append:/mnt/l%d=ro+wh\")\n", i
	}'
}
testManyLowersAreAppendedOneByOne() {
	for n in 1 59 60 61 63 64 65 126 200; do
		cover /mnt
		mkdir /mnt/up
		told "aufs:$(lowers $n)/mnt/up,dirperm1=on"
		assertEquals "$n lowers" "$(expect_calls $n)" "$(printf '%s\n' "$calls" | grep -v ^umount2)"
		assertEquals "$n lowers: undone, as the mount is not there" 1 "$(printf '%s\n' "$calls" | grep -c ^umount2)"
		umount /mnt
	done
	: >covered
	pretend_covered
}
pretend_covered() { real_aufs || echo /proc/filesystems >covered; }

# named N - a directory below /mnt whose path has N characters; prints it.
named() {
	_path=/mnt/$2
	while [ "$(($1 - ${#_path}))" -gt 200 ]; do _path=$_path/$(printf '%0100d' 0); done
	_path=$_path/$(printf "%0$(($1 - ${#_path} - 1))d" 0)
	mkdir -p "$_path" && printf '%s\n' "$_path"
}

# 13 bytes of upper, 15 of options, 19 times 207 of lowers: 3961, and 134 are left, 7 of them for the permission.
testTextOf4095BytesIsOneCallAndOf4096IsTwo() {
	for last in 127 128 129 130 134 135 200; do
		cover /mnt
		mkdir /mnt/up
		spec=''
		i=0
		while [ $((i += 1)) -le 19 ]; do spec=$spec$(named 200 "d$i"):; done
		long=$(named $last d20)
		told "aufs:$spec$long:/mnt/up,dirperm1=off,xino=off"
		data=$(printf '%s\n' "$calls" | sed -n 's/.*, "\(.*\)")$/\1/p')
		if [ "$last" -eq 127 ]; then
			assertEquals "$last: bytes of each call" 4095 "$(printf '%s\n' "$data" | awk '{print length($0)}')"
		else
			assertEquals "$last: bytes of each call" "3961 $((last + 13))" "$(printf '%s\n' "$data" | awk '{print length($0)}' | paste -sd ' ')"
			assertEquals "$last: the second call" "append:$long=ro+wh" "$(printf '%s\n' "$data" | tail -n 1)"
		fi
		assertEquals "$last: branches" 21 "$(printf '%s\n' "$data" | grep -o '=r[ow]' | wc -l)"
		umount /mnt
	done
	: >covered
	pretend_covered
}

testABranchThatFitsIntoNoCallIsRefused() {
	cover /mnt
	cd /mnt || return
	i=0
	# Deeper than mkdir(2) takes a path.
	while [ $((i += 1)) -le 20 ]; do mkdir "$(printf '%0199d' 0)" && cd "$(printf '%0199d' 0)" || return; done
	mkdir "$(printf '%060d' 0)"
	lower=$(/bin/pwd)/$(printf '%060d' 0)
	cd "$HERE" || return
	bdev mount "aufs:$lower:c" m
	assert_refused 'its path is too long for one mount(2)'
}

# --- what fails ---

testAFailedAppendUndoesAllAndNamesTheLower() {
	cover /mnt
	mkdir /mnt/up
	with_fake 4 28 "aufs:$(lowers 65)/mnt/up,dirperm1=on"
	assert_refused "append lower 62 of 65, '/mnt/l62', to the aufs: that is more branches than this kernel's aufs takes" merge
	assertEquals 'the last two calls' 'mount remount append:/mnt/l62=ro+wh
umount2 STAGE/0' "$(printf '%s\n' "$calls" | tail -n 2)"
	assertEquals 'calls' 5 "$(printf '%s\n' "$calls" | wc -l)"
	with_fake 2 22 "aufs:$(cd /mnt && for i in $(seq 65); do printf '/mnt/l%d:' "$i"; done)/mnt/up,dirperm1=on"
	assert_refused "append lower 60 of 65, '/mnt/l60'" 'dmesg'
}

testAFailedMountSaysWhy() {
	with_fake 1 22 aufs:a:b,dirperm1=off
	assert_refused 'mount aufs: Invalid argument; a branch is the same as another' dmesg
	assertEquals 'no umount of nothing' 1 "$(printf '%s\n' "$calls" | wc -l)"
	with_fake 1 7 aufs:a:b,dirperm1=off
	assert_refused 'fewer options at a time'
	with_fake 1 28 aufs:a:b,dirperm1=off
	assert_refused 'more branches than' merge
}

testWhatTheKernelMountedInsteadIsSaidAndUndone() {
	told aufs:a:b,dirperm1=off
	assert_refused 'the kernel reported success for the aufs, but it is no aufs'
	assertContains "$calls" 'umount2("STAGE/0", UMOUNT_NOFOLLOW)'
}

lied() { # TEXT, of the branches that are there
	with_fake 0 0 dir:c,ro aufs:a:b,dirperm1=off
	assert_refused "the kernel reported success for the aufs, but $1"
	assertEquals 'undone' 'umount2 STAGE/1' "$(printf '%s\n' "$calls" | tail -n 1)"
}

testBranchesAreComparedWithWhatTheKernelHas() {
	with_fake 0 0 aufs:a:b,dirperm1=off
	assert_refused "its branches cannot be seen: open '$SI': No such file"
	branches
	lied "it has 0 of 3 branches: not '$HERE/b'"
	branches "$HERE/b=rw" "$HERE/a=ro+wh"
	lied "it has 2 of 3 branches: not '/run/lxc-bdev/"
	branches "$HERE/a=rw" "$HERE/b=ro+wh"
	lied "its branch 0 is '$HERE/a', not '$HERE/b'"
	branches "$HERE/b=rw" "$HERE/a=ro"
	lied "its branch '$HERE/a' is ro, not ro+wh"
	branches "$HERE/b=ro"
	lied "its branch '$HERE/b' is ro, not rw"
}

testABranchTooManyIsSeen() {
	branches "$HERE/b=rw" "$HERE/a=ro+wh" "$HERE/c=ro+wh"
	with_fake 0 0 aufs:a:b,dirperm1=off
	assert_refused "it has a branch too many, '$HERE/c'"
}

testAReadOnlyMountIsSeenAsThat() {
	branches "$HERE/b=ro+wh" "$HERE/a=ro+wh"
	with_fake 0 0 aufs:a:b,ro,dirperm1=off
	assert_status 0
	assertEquals 'the call' "mount ro br=HERE/b=ro+wh:HERE/a=ro+wh,dio,acl,xino=xino.1" "$calls"
	bdev umount m
	assert_status 0
}

testAMountThatIsAsAskedIsHandedOn() {
	branches "$HERE/b=rw" "$HERE/a=ro+wh"
	with_fake 0 0 aufs:a:b,dirperm1=off
	assert_status 0
	assertEquals 'output' '' "$out$err"
	assertEquals a "$(cat m/who)"
	assertTrue 'it can be written to' 'echo new >m/who'
	bdev status
	assertContains "$out" 'aufs:a:b,dirperm1=off'
	bdev umount m
	assert_status 0
	assertTrue 'nothing is left' nothing_left
}

testAnUpperThatIsMadeHasTheLowersOwnerAndMode() {
	chmod 1751 a && chown 12:34 a
	told dir:b,ro aufs:a:up,dirperm1=off
	assertEquals '1751 12:34' "$(stat -c '%a %u:%g' up)"
	bdev mount dir:a,ro aufs:new/deep/up m
	assert_refused 'new/deep'
	bdev mount dir:a,ro "aufs:$HERE/absolute" m
	assert_refused "open upper '$HERE/absolute'" 'No such file'
}

# --- dirperm1 ---

testDirperm1IsAskedOnceABoot() {
	branches "$HERE/b=rw" "$HERE/a=ro+wh"
	with_fake 0 0 aufs:a:b
	assert_status 0
	assertEquals 'the question' 'mount ro br=1=ro,noxino,dirperm1' "$(printf '%s\n' "$calls" | head -n 1)"
	assertContains "$calls" 'br=HERE/b=rw:HERE/a=ro+wh,dio,acl,xino=xino.3,dirperm1'
	bdev umount m
	assertEquals 'who may read the answer' '600 0' "$(stat -c '%a %u' /run/lxc-bdev/.aufs-dirperm1)"
	with_fake 0 0 aufs:a:b
	assertEquals 'the second time' 'mount br=HERE/b=rw:HERE/a=ro+wh,dio,acl,xino=xino.1,dirperm1' "$calls"
	bdev umount m
	bdev doctor
	assertEquals 'no container' '0 ' "$status $out"
}

testAKernelWithoutDirperm1IsToldNothingOfIt() {
	branches "$HERE/b=rw" "$HERE/a=ro+wh"
	with_fake 1 22 aufs:a:b
	assert_status 0
	assertEquals 'asked, asked without, and done' 'mount ro br=1=ro,noxino,dirperm1
mount ro br=1=ro,noxino
mount br=HERE/b=rw:HERE/a=ro+wh,dio,acl,xino=xino.3' "$(printf '%s\n' "$calls" | grep -v ^umount2)"
	bdev umount m
	with_fake 0 0 aufs:a:b
	assertEquals 'the second time' 'mount br=HERE/b=rw:HERE/a=ro+wh,dio,acl,xino=xino.1' "$calls"
	bdev umount m
	echo "another-boot 0" >/run/lxc-bdev/.aufs-dirperm1
	with_fake 0 0 aufs:a:b
	assertContains 'the answer of another boot' "$calls" noxino,dirperm1
	bdev umount m
}

testAnAnswerThatIsNoneIsNotRemembered() {
	with_fake 1 12 aufs:a:b
	assertFalse 'kept' '[ -e /run/lxc-bdev/.aufs-dirperm1 ]'
}

# --- one upper, one union ---

# in_use TEXT SPEC... - refused, and nothing was mounted.
in_use() {
	_text=$1
	shift
	told "$@"
	assert_status 1
	assert_one_line "$_text"
	assertNotContains "$calls" '"aufs"'
}

testAnUpperThatAnAufsHasIsRefusedForBoth() {
	foreign m2 "$HERE/b=rw"
	see "$LXC_BDEV" mount aufs:a:b m
	assert_status 1
	assert_one_line "upper 'b' is in use by another mount"
	see "$LXC_BDEV" mount overlay:a:b m
	assert_status 1
	assert_one_line "upper 'b' is in use by another mount"
	umount m2
	rm -r "$SI"
	# Overlay refuses an upper only to another writer.
	foreign m2 "$HERE/b=ro+wh"
	see "$LXC_BDEV" mount overlay:a:b m
	assert_status 0
	bdev umount m
	umount m2
}

# Its mount is of a namespace that is gone: then the kernel tells the path from the mount's root on.
testAnUpperThatAnEndedNamespacesAufsHasIsRefused() {
	[ -e /sys/fs/aufs ] || cover /sys/fs
	mkdir -p "$SI" tmp
	mount -t tmpfs tmp tmp
	mkdir tmp/up
	echo '/up=rw' >"$SI/br0"
	in_use "upper 'tmp/up' is in use by another mount" aufs:a:tmp/up
	# A running mount has recorded that as its own, which is on another disk.
	record '/elsewhere' 'aufs\t1\tsi_feed'
	told aufs:a:tmp/up,dirperm1=off
	assertContains "$calls" '"aufs"'
	rm -r /run/lxc-bdev/fake.0
	umount tmp
}

testABranchOfARunningMountIsRefusedForBoth() {
	record /elsewhere "branch\t1\t$(stat -c '%Hd:%Ld-%i' b)\t$HERE/b"
	told aufs:a:b
	assert_status 1
	assert_one_line "upper 'b' is in use by mount on '/elsewhere'"
	bdev mount overlay:a:b m
	assert_status 1
	assert_one_line "upper 'b' is in use by mount on '/elsewhere'"
	rm -r /run/lxc-bdev/fake.0
	bdev mount overlay:a:b m
	assert_status 0
}

testAnUpperOfAnOverlayIsRefused() {
	bdev mount overlay:a:b m2
	told aufs:c:b
	assert_status 1
	assert_one_line "upper 'b' is in use by mount on '$HERE/m2'"
}

testTheBranchIsRecordedBeforeTheMount() {
	run strace -o /dev/null -e trace=mount -e inject=mount:signal=KILL:when=3 "$LXC_BDEV" mount aufs:a:b,dirperm1=off m
	assertEquals killed 137 "$status"
	assertContains "$(cat /run/lxc-bdev/*/journal)" "$(printf 'branch\t1\t%s\t%s/b' "$(stat -c '%Hd:%Ld-%i' b)" "$HERE")"
	bdev doctor --fix
	assertTrue 'nothing is left' nothing_left
}

# --- what is refused ---

testCharactersThatAufsCannotBeToldAreRefused() {
	for char in '\:' '\,' '='; do
		name=x$(printf '%s' "$char" | tr -d '\\')y
		mkdir "$name"
		refuses dir:a,ro "aufs:x${char}y:up" "lower '$name': its path has ':', ',', '=' or a newline in it"
		refuses dir:a,ro "aufs:x${char}y" "upper '$name': its path has"
		refuses dir:a,ro tmpfs:. "aufs:x${char}z" "upper 'x$(printf '%s' "$char" | tr -d '\\')z': its path has"
	done
	ln -s 'x=y' link
	refuses dir:a,ro aufs:link:up "lower 'link': its path has"
	mkdir 'x
y'
	ln -s 'x
y' newline
	refuses dir:a,ro aufs:newline:up "lower 'newline': its path has"
	# What the stack holds is told by a number.
	told 'dir:x\:y,ro' aufs:up,dirperm1=off
	assertContains "$calls" 'br=HERE/up=rw:0=ro+wh,'
}

testBranchesOnFileSystemsThatAufsDoesNotTakeAreRefused() {
	refuses aufs:/proc/sys:b "lower '/proc/sys' lies on proc, which aufs does not accept as a branch"
	refuses aufs:a:/sys/kernel "upper '/sys/kernel' lies on sysfs"
	bdev mount overlay:a:b m2
	refuses aufs:m2:c "lower 'm2' lies on overlay"
	refuses aufs:a:m2 "upper 'm2' lies on overlay"
	refuses aufs:a:m2/made "upper 'm2/made' lies on overlay"
	refuses dir:m2,ro aufs:c "lower layer 'dir:m2,ro' is an overlay or an aufs"
	refuses dir:a,ro overlay:up1 aufs:c "lower layer 'overlay:up1' is an overlay or an aufs"
	refuses dir:a,ro aufs:b aufs:c "lower layer 'aufs:b' is an overlay or an aufs"
}

testLayersOfAnOverlayAreRefused() {
	mkdir base
	printf 'bdev.rootfs = dir:%s,ro\nbdev.rootfs = overlay:delta\n' "$(printf '%s' "$HERE/a" | sed 's/ /\\ /g')" >base/config
	mkdir base/delta
	container c1 "container:$HERE/base" aufs:delta
	bdev plan -P "$LXCPATH" -n c1
	assert_status 1
	assert_one_line "lower layer 'overlay:delta' has whiteouts in overlay format"
}

testADirectoryTwiceOrInAnotherIsRefused() {
	mkdir a/in
	ln -s a link
	refuses aufs:a:b:a:c "lower 'a' and lower 'a' are the same directory"
	refuses aufs:a:link "lower 'a' and upper 'link' are the same directory"
	refuses dir:a,ro aufs:a:b "lower 'a' and 'dir:a,ro' are the same directory"
	refuses dir:a,ro aufs:b:a "'dir:a,ro' and upper 'a' are the same directory"
	refuses aufs:a:a/in:b "lower 'a/in' is inside lower 'a'"
	refuses aufs:a/in:a:b "lower 'a/in' is inside lower 'a'"
	refuses aufs:a:a/in "upper 'a/in' is inside lower 'a'"
	refuses aufs:a/in:a "lower 'a/in' is inside upper 'a'"
	refuses dir:a,ro aufs:a/made "upper 'a/made' is inside 'dir:a,ro'"
	mount --bind a m2
	refuses aufs:a:m2:b "lower 'a' and lower 'm2' are the same directory"
	umount m2
	# Not by the beginning of the name.
	mkdir aa
	told aufs:a:aa:b,dirperm1=off
	assertContains "$calls" 'HERE/aa=ro+wh'
}

testAnUpperOnAReadOnlyFileSystemIsRefused() {
	mount --bind b m2 && mount -o remount,bind,ro m2
	refuses aufs:a:m2 "upper 'm2' lies on a read-only file system"
	umount m2
}

testMoreBranchesThanTheKernelTakesAreRefused() {
	real_aufs && return 0
	cover /boot
	cover /mnt
	mkdir /mnt/up
	echo 'CONFIG_AUFS_BRANCH_MAX_127=y' >"/boot/config-$(uname -r)"
	refuses "aufs:$(lowers 127)/mnt/up" '128 branches; this kernel'"'"'s aufs takes at most 127'
	told "aufs:$(for i in $(seq 126); do printf '/mnt/l%d:' "$i"; done)/mnt/up,dirperm1=off"
	assertEquals 'calls' 68 "$(printf '%s\n' "$calls" | wc -l)"
	echo 'CONFIG_AUFS_BRANCH_MAX_511=y' >"/boot/config-$(uname -r)"
	told "aufs:$(for i in $(seq 127); do printf '/mnt/l%d:' "$i"; done)/mnt/up,dirperm1=off"
	assertContains "$calls" append:/mnt/l127=
}

testNoLowerIsRefused() {
	refuses aufs:up 'no lower layer, neither in its source nor below it in the stack'
}

testReadOnlyUpperOnANewTmpfsIsRefused() {
	refuses dir:a,ro tmpfs:. aufs:up,ro "with ro, its upper 'up' on a new tmpfs would always be empty"
}

testOptionsAreChecked() {
	wanted=2
	refuses aufs:a:b,dirperm1=yes "dirperm1=yes: not 'auto', 'on' or 'off'"
	wanted=1
	touch there
	refuses aufs:a:b,xino=there 'xino=there: it exists; aufs makes this file itself'
	refuses aufs:a:b,xino=none/ino "open the directory of xino=none/ino: No such file"
	refuses aufs:a:b,xino=../ino 'this one leads out of its directory'
	refuses aufs:a:b,xino=c/ 'xino=c/: it must name a file'
	refuses aufs:a:b,xino=c=d 'xino=c=d: its path has'
}

testNoAufsIsOneLineWithTheWaysOut() {
	real_aufs && return 0
	strace -o trace -e trace=fsopen,mount,mkdirat,mkdir,open_tree,unshare "$LXC_BDEV" mount aufs:a:b m >out 2>err
	assertEquals 'exit status' 3 $?
	assertEquals "lxc-bdev: mount: argument 1: 'aufs:a:b': this kernel has no aufs; boot one that has it, or make the delta an overlay's (lxc-bdev convert -n NAME overlay, or bdev.aufs = convert)" \
		"$(cat err)"
	assertEquals 'nothing was tried' '+++ exited with 3 +++' "$(cat trace)"
}

testNoAufsKeepsAContainerFromStarting() {
	real_aufs && return 0
	container c1 "dir:$(shared_root | sed 's/ /\\ /g'),ro" aufs:delta0
	start c1
	eventually is_stopped c1
	err=$(grep -o 'lxc-bdev: pre-start: .*' "$LXCPATH/c1.log")
	assertContains "$err" "'aufs:delta0': this kernel has no aufs"
	assertEquals 'lines' 1 "$(printf '%s\n' "$err" | wc -l)"
	assertFalse 'something was made' "[ -e '$LXCPATH/c1/delta0' ]"
	assert_nothing_left
}

testNoAufsButAModuleIsEnough() {
	real_aufs && return 0
	[ -d /lib/modules ] || return 0
	cover /lib/modules
	mkdir "/lib/modules/$(uname -r)"
	echo 'kernel/fs/aufs/aufs.ko.xz:' >"/lib/modules/$(uname -r)/modules.dep"
	told aufs:a:b,dirperm1=off
	assertContains "$calls" '"aufs"'
}

# --- what others see, and copies ---

testACopyHasADeltaOfItsOwn() {
	container c1 "dir:$(printf '%s' "$HERE/a" | sed 's/ /\\ /g'),ro" aufs:low:delta0
	mkdir "$LXCPATH/c1/delta0" "$LXCPATH/c1/low"
	echo mine >"$LXCPATH/c1/delta0/file"
	: >"$LXCPATH/c1/delta0/.wh.who"
	run lxc-copy -P "$LXCPATH" -n c1 -N c2
	assert_status 0
	assertEquals 'mine' "$(cat "$LXCPATH/c2/delta0/file")"
	assertTrue 'a whiteout' "[ -f '$LXCPATH/c2/delta0/.wh.who' ]"
	assertTrue 'its lower' "[ -d '$LXCPATH/c2/low' ]"
	assertEquals 'the shared one' "$(grep ^bdev "$LXCPATH/c1/config")" "$(grep ^bdev "$LXCPATH/c2/config")"
}

# --- on a kernel with aufs ---

testRealContainerWritesDeletesRebootsAndStops() {
	real_aufs || return 0
	container c1 "dir:$(shared_root | sed 's/ /\\ /g'),ro" aufs:delta0
	start c1
	assert_status 0
	inside c1 /bin/sh -c 'echo new >/etc/new && rm /etc/marker && ls /etc'
	assertNotContains "$out" marker
	assertTrue 'a whiteout' "[ -f '$LXCPATH/c1/delta0/etc/.wh.marker' ]"
	assertTrue 'reboot' 'reboot c1'
	inside c1 /bin/cat /etc/new
	assertEquals new "$out"
	container c2 "dir:$(shared_root | sed 's/ /\\ /g'),ro" "aufs:$(printf '%s' "$LXCPATH/c1/delta0" | sed 's/ /\\ /g')"
	start c2
	assertNotEquals 'one upper for two' 0 "$status"
	stop c1
	assert_nothing_left
}
testRealManyLowersAreAllThere() {
	real_aufs || return 0
	for n in 1 63 64 65 126; do
		cover /mnt
		mkdir /mnt/up
		bdev mount "aufs:$(lowers $n)/mnt/up" m
		assert_status 0
		bdev umount m
		umount /mnt
		: >covered
	done
}

# shellcheck source=/dev/null
. shunit2
