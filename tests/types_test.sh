#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The contract: what every backing store type promises, whichever it is.
#
# The types come from `lxc-bdev types`. A new one needs a sample() here and no test of its own for any of this.
# shellcheck source=tests/lib.sh
. "$(dirname -- "$0")/lib.sh"

# sample TYPE - make sources for it in the current directory, and set
#   $below   specs that it needs below it, or none
#   $spec    a spec of the type
#   $above   specs that it needs above it, or none
#   $shown   what status calls it, if not that
#   $shows   nobody writes to it, if set, and its source is absolute
#   $missing a spec of the type whose source is not there, and what of it must be named
sample() {
	below='' above='' gone=gone shown='' shows=''
	mkdir -p source && echo content >source/marker
	case $1 in
	dir) spec=dir:source missing=dir:gone ;;
	loop)
		make_image image ext4 16 "$PWD/source"
		spec=loop:image missing=loop:gone
		;;
	nbd)
		make_image image.raw ext4 16 "$PWD/source"
		qemu-img convert -f raw -O qcow2 image.raw image.qcow2
		spec=nbd:image.qcow2 missing=nbd:gone
		;;
	tmpfs) below=dir:source,ro spec=tmpfs:. above=overlay:upper missing=tmpfs:gone ;;
	overlay)
		mkdir upper
		below=dir:source,ro spec=overlay:upper missing=overlay:gone:upper
		;;
	aufs)
		mkdir upper
		below=dir:source,ro spec=aufs:upper missing=aufs:gone:upper
		;;
	container)
		mkdir base && cp -R source base/tree && echo 'bdev.rootfs = dir:tree' >base/config
		spec=container:$PWD/base missing=container:$PWD/gone gone=$PWD/gone shown=dir:tree shows=1
		;;
	layer)
		"$LXC_BDEV" layer --store store create l1 && cp -R source/. store/diff/l1/
		spec=layer:l1,store=$PWD/store missing=layer:l1,store=$PWD/gone gone=$PWD/gone shows=1
		;;
	*) fail "type '$1' has no sample in $0" ;;
	esac
}

# mount_sample [OPTIONS] - on m, with ,OPTIONS added to the type's own spec.
mount_sample() {
	# shellcheck disable=SC2086 # absent specs must vanish
	bdev mount $below "$spec${1+,$1}" $above m
}

# On a kernel without aufs, its planner is told that there is one.
setUpEach() {
	case $_shunit_test_ in
	test_aufs_*) grep -qw aufs /proc/filesystems || pretend_aufs ;;
	esac
}
pretend_aufs() {
	(cat /proc/filesystems && printf 'nodev\taufs\n') >filesystems
	mount --bind filesystems /proc/filesystems
}
tearDownEach() {
	case $(sed -n 's| /proc/filesystems .*||p' /proc/self/mountinfo) in ?*) umount /proc/filesystems ;; esac
}

contractMountShowsWhatTheSourceHolds() {
	mount_sample
	assert_status 0
	assertEquals 'output' '' "$out$err"
	assertEquals content "$(cat m/marker)"
	[ -n "$shows" ] || assertTrue 'it can be written to' 'echo more >m/new && sync -f m/new'
}

contractUmountFreesEverything() {
	mount_sample
	bdev umount m
	assert_status 0
	assertEquals 'output' '' "$out$err"
	assertTrue 'no mount, loop device or record is left' nothing_left
}

contractUmountTwiceSaysSo() {
	mount_sample
	bdev umount m
	bdev umount m
	assert_status 1
	assert_one_line "'$HERE/m': nothing of lxc-bdev is mounted there"
}

contractSecondMountWorksAsTheFirst() {
	mount_sample
	bdev umount m
	mount_sample
	assert_status 0
	assertEquals content "$(cat m/marker)"
}

contractReadOnlyIsReadOnly() {
	mount_sample ro
	if [ "$status" -ne 0 ]; then # a type that makes no sense read-only refuses it
		assert_status 2
		assert_one_line "'$spec,ro': " read-only
		return
	fi
	run touch m/new
	assertContains "$err" 'Read-only file system'
	run touch m/marker
	assertContains "$err" 'Read-only file system'
	# Who holds no privilege over the host cannot change that.
	# shellcheck disable=SC2016 # for the inner shell
	run unshare --user --map-root-user --mount sh -c 'mount -o remount,bind,rw "$1"; touch "$1/new"' sh "$HERE/m"
	assertContains 'remounted by a user namespace' "$err" 'Read-only file system'
}

contractUnknownOptionIsRefusedByName() {
	mount_sample nosuch=1
	assert_status 2
	assert_one_line "'$spec,nosuch=1': unknown option 'nosuch'"
	assertTrue nothing_left
}

contractOptionsAreChecked() {
	"$LXC_BDEV" types | sed -n "/^${spec%%:*}:/,/^[a-z]/ s/^	\([^	=]*\)\(=*\).*/\1 \2/p" >options
	while read -r option equals; do
		[ "$option" != ro ] || continue
		spec=${spec%%",$option="*}
		if [ "$equals" ]; then
			mount_sample "$option"
			assert_one_line "option '$option' needs a value"
			mount_sample "$option="
			assert_one_line "option '$option' needs a value"
		else
			mount_sample "$option=1"
			assert_one_line "option '$option' takes no value"
		fi
		assert_status 2
	done <options
	mount_sample ro=1
	assert_one_line "option 'ro' takes no value"
	assertTrue nothing_left
}

contractMissingSourceIsNamed() {
	spec=$missing
	mount_sample
	assert_status 1
	assert_one_line "'$gone'" 'No such file or directory'
	assertTrue nothing_left
}

contractPathOutOfTheDirectoryIsRefused() {
	if [ -n "$shows" ]; then
		case ${spec%%:*} in
		layer) spec=layer:l1,store=store ;;
		*) spec=${spec%%:*}:base ;;
		esac
		bdev mount "$spec" m
		assert_one_line "$spec" 'not the absolute path'
		return
	fi
	mv source outside
	[ ! -e image ] || mv image outside-image
	[ ! -e image.qcow2 ] || mv image.qcow2 outside-image
	mkdir -p inner/m && cd inner || return
	ln -s .. link
	for out_of in .. link; do
		for name in outside outside-image gone; do
			# shellcheck disable=SC2086 # absent specs must vanish
			bdev mount ${below:+dir:.,ro} "${spec%%:*}:$out_of/$name" m
			assert_status 1
			assert_one_line "'$out_of/$name'" 'a relative path belongs to the container, and this one leads out of its directory'
		done
	done
	assertFalse 'something was made outside' '[ -e ../gone ]'
}

contractPlanHasNoSideEffects() {
	# shellcheck disable=SC2086 # absent specs must vanish
	container c1 $below "$spec" $above
	for _image in image*; do
		[ ! -e "$_image" ] || mv "$_image" "$LXCPATH/c1/"
	done
	mv source "$LXCPATH/c1/"
	state_of "$LXCPATH" >before
	run strace -f -o trace "$LXC_BDEV" plan -P "$LXCPATH" -n c1
	assert_status 0
	assertContains "$out" "from: ${shown:-$spec} ("
	state_of "$LXCPATH" >after
	assertEquals 'files, devices and records' "$(cat before)" "$(cat after)"
	assertEquals 'calls that change something' '' "$(grep -E \
		-e ' (mount|umount2|fsopen|fsconfig|fsmount|fspick|move_mount|open_tree|mount_setattr|unshare|setns)\(' \
		-e ' (mkdir|mkdirat|mknod|mknodat|link|linkat|symlink|symlinkat|unlink|unlinkat|rmdir|rename|renameat|renameat2)\(' \
		-e ' (chmod|fchmod|fchmodat|chown|fchown|fchownat|lchown|truncate|ftruncate|fallocate|utimensat|setxattr|fsetxattr)\(' \
		-e ' (open|openat|openat2|creat)\(.*(O_WRONLY|O_CREAT|O_TRUNC)' \
		-e ' ioctl\(.*(LOOP|BLK)' trace)"
}

state_of() {
	find "$1" -printf '%p %y %m %u %s %T@ %C@\n' | sort
	find /run/lxc-bdev 2>/dev/null
	cat /proc/self/mounts
	loops
}

no_mount_nor_loop() { [ -z "$(mounts_here)" ] && no_loops; }

contractMountKilledBeforeAttachingLeavesNothing() {
	# shellcheck disable=SC2086 # absent specs must vanish
	run strace -o /dev/null -e trace=move_mount -e inject=move_mount:signal=KILL "$LXC_BDEV" mount $below "$spec" $above m
	assertEquals 'killed' 137 "$status"
	assertTrue 'a mount or loop device is left' "eventually no_mount_nor_loop"
	mount_sample
	assert_status 0
	assertEquals content "$(cat m/marker)"
	bdev umount m
	assertTrue nothing_left
}

contractUmountKilledCanBeRepeated() {
	mount_sample
	for call in umount2 unlinkat; do
		run strace -o /dev/null -e trace=$call -e inject=$call:signal=KILL "$LXC_BDEV" umount m
		assertEquals "killed at $call" 137 "$status"
	done
	bdev umount m
	assert_status 0
	assertTrue nothing_left
}

contractStatusShowsTheStack() {
	mount_sample
	bdev status
	assertContains "$out" "$HERE/m  mounted"
	spec=${shown:-$spec}
	assertContains "$out" "$spec"
	bdev status --json
	assertEquals "$spec" "$(printf '%s' "$out" | jq -r --arg spec "$spec" '.[].stack[].spec | select(. == $spec)')"
	bdev doctor
	assert_status 0
	assertEquals 'doctor finds nothing' '' "$out$err"
}

# Without the kernel's part, what is decided before the first mount can be seen nevertheless.
possible() { # TYPE CONTRACT
	[ "$1" != aufs ] || grep -qw aufs /proc/filesystems || case $2 in
	UnknownOptionIsRefusedByName | OptionsAreChecked | MissingSourceIsNamed | PathOutOfTheDirectoryIsRefused | \
		PlanHasNoSideEffects) ;;
	*) return 1 ;;
	esac
}

suite() {
	for _type in $("$LXC_BDEV" types | sed -n 's/^\([a-z0-9]*\):.*/\1/p'); do
		sed -n 's/^contract\([A-Za-z]*\)().*/\1/p' "$0" >"$SCRATCH/contract"
		while read -r _contract; do
			possible "$_type" "$_contract" || continue
			eval "test_${_type}_$_contract() { mkdir m; sample $_type; contract$_contract; }"
			suite_addTest "test_${_type}_$_contract"
		done <"$SCRATCH/contract"
	done
}

# shellcheck source=/dev/null
. shunit2
