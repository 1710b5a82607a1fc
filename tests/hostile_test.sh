#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# A container that has made its root a trap: nothing outside of it may be touched.
# shellcheck disable=SC2016 # shunit2 expands what is in single quotes
# shellcheck source=tests/lib.sh
. "$(dirname -- "$0")/lib.sh"

setUpEach() {
	mkdir -p outside/etc
	echo untouched >outside/etc/file
	outside=$(list_outside)
}
list_outside() { (cd "$HERE/outside" && find . -printf '%p %y %m %U %G %s %T@ %l\n' | sort && cat etc/file); }
assert_outside_untouched() { assertEquals "${1-} outside" "$outside" "$(list_outside)"; }

# What a container can do to its own root; $0 is a directory of the host. It must boot again, so /sbin and /bin stay.
trap_script='
	[ "$(cat /etc/marker)" = base ] || exit 99 # this is not the container
	rm -rf /etc /dev/shm /tmp /run /root /proc/nothing
	ln -s "$0/etc" /etc
	ln -s "$0" /root
	ln -s /proc/1/root"$0" /run
	ln -s ../../../../../../../../../../.."$0" /tmp
	ln -s "$0" /delta0
	mkfifo /fifo
	mknod /node b 7 0
	mknod /zero c 1 5
	name=$(printf %0255d 0)
	echo long >"/$name"
	mkdir "/dir$(printf %0250d 0)"
	touch "/new
line" "/back\slash" "/:,"
	mkdir /mnt /mnt2
	mount -t tmpfs none /mnt
	echo in-a-mount >/mnt/file
	mount -o bind /mnt /mnt2
	sync
'

# The traps are set, and it is rebooted, stopped, started, destroyed.
assert_traps_do_not_work() {
	start c1
	assert_status 0
	inside c1 /bin/sh -c "$trap_script" "$HERE/outside"
	assert_status 0
	inside c1 /bin/sh -c '[ -L /etc ] && [ -L /delta0 ] && [ -p /fifo ] && [ -b /node ] && ls -d /0* && cat /mnt2/file'
	assertEquals "the traps are set: $err" 0 "$status"
	assertTrue 'rebooted' 'reboot c1'
	assert_outside_untouched 'rebooted,'
	stop c1
	assert_nothing_left
	assert_outside_untouched 'stopped,'
	start c1
	assert_status 0
	assert_outside_untouched 'started,'
	stop c1
	assert_nothing_left
	run lxc-destroy -P "$LXCPATH" -n c1
	assert_status 0
	assertFalse 'destroyed' '[ -e "$LXCPATH/c1" ]'
	assert_outside_untouched 'destroyed,'
}

testTrapsInADirTouchNothingOutside() {
	container c1 dir:root
	cp -a "$(shared_root)" "$LXCPATH/c1/root"
	assert_traps_do_not_work
}

testTrapsInAnImageTouchNothingOutside() {
	container c1 loop:root.img
	make_image "$LXCPATH/c1/root.img" ext4
	assert_traps_do_not_work
}

testTrapsInAnUpperTouchNothingOutside() {
	container c1 loop:base.img,ro overlay:delta0
	make_image "$LXCPATH/c1/base.img" ext4
	assert_traps_do_not_work
}

testTrapsOnATmpfsTouchNothingOutside() {
	container c1 loop:base.img,ro tmpfs:. overlay:delta0
	make_image "$LXCPATH/c1/base.img" ext4
	assert_traps_do_not_work
}

# LXC opens and removes this name in the root of each start, outside of the container.
testTrapInThePlaceOfLxcsOwnFileNeitherHangsAStartNorReachesOutside() {
	container c1 loop:base.img,ro tmpfs:. overlay:delta0
	make_image "$LXCPATH/c1/base.img" ext4
	start c1
	assert_status 0
	for trap in 'mkfifo /.lxc_keep' 'mknod /.lxc_keep c 1 5' 'mkdir /.lxc_keep' 'ln -s "$0/etc/file" /.lxc_keep' \
		'ln -s "$0/etc/new" /.lxc_keep' 'echo >/.lxc_keep'; do
		inside c1 /bin/sh -c "$trap" "$HERE/outside"
		assert_status 0
		assertTrue "$trap: rebooted" 'reboot c1'
		inside c1 /bin/sh -c '! [ -e /.lxc_keep ] && ! [ -L /.lxc_keep ]'
		assert_status 0
		assert_outside_untouched "$trap:"
	done
}

testDirectoryInThePlaceOfLxcsOwnFileIsMovedAside() {
	container c1 loop:root.img
	make_image "$LXCPATH/c1/root.img" ext4
	start c1
	inside c1 /bin/sh -c 'mkdir /.lxc_keep && touch /.lxc_keep/file'
	stop c1
	start c1
	assert_status 0
	assertContains "$(our_lines c1 pre-start)" "to '.lxc_keep.old'"
	inside c1 /bin/ls /.lxc_keep.old/file
	assert_status 0
	stop c1
	assert_nothing_left
}

# The second one finds the name taken.
testSecondDirectoryInThatPlaceIsRemoved() {
	container c1 loop:root.img
	make_image "$LXCPATH/c1/root.img" ext4
	start c1
	inside c1 /bin/sh -c 'mkdir /.lxc_keep.old /.lxc_keep && touch /.lxc_keep/file'
	stop c1
	start c1
	assert_status 0
	assertContains "$(our_lines c1 pre-start)" 'removed the directory'
	stop c1
}

testImmutableRootDoesNotStopAStart() {
	container c1 dir:root
	cp -a "$(shared_root)" "$LXCPATH/c1/root"
	chattr +i "$LXCPATH/c1/root"
	start c1
	chattr -i "$LXCPATH/c1/root"
	assert_status 0
	assertContains "$(our_lines c1 pre-start)" 'its root directory is immutable'
	inside c1 /bin/cat /etc/marker
	assertEquals base "$out"
	stop c1
	assert_nothing_left
}

testAppendOnlyRootWithAFifoInThatPlaceDoesNotHangAStart() {
	container c1 dir:root
	cp -a "$(shared_root)" "$LXCPATH/c1/root"
	mkfifo "$LXCPATH/c1/root/.lxc_keep"
	chattr +a "$LXCPATH/c1/root"
	run timeout 20 lxc-start -P "$LXCPATH" -n c1 -o "$LXCPATH/c1.log" -l DEBUG
	chattr -a "$LXCPATH/c1/root"
	assert_refused c1 "remove '.lxc_keep' from its root"
}

# A path through what a container wrote: c1 writes to `data`, and c1's own specs name what is in it.
symlinked() { # PLACE: c1's data/PLACE is a symlink to the host's directory
	container c1 "$2"
	cp -a "$(shared_root)" "$LXCPATH/c1/data"
	rm -rf "$LXCPATH/c1/data/$1"
	ln -s "$HERE/outside" "$LXCPATH/c1/data/$1"
}

testDirThroughASymlinkThatLeavesTheContainerIsRefused() {
	symlinked srv dir:data/srv
	start c1
	assert_refused c1 "'data/srv'"
	assert_outside_untouched
}

testLowerThroughASymlinkThatLeavesTheContainerIsRefused() {
	symlinked srv overlay:data/srv:delta0
	start c1
	assert_refused c1 "'data/srv'"
	assert_outside_untouched
}

testUpperThroughASymlinkThatLeavesTheContainerIsRefused() {
	for upper in data/srv data/srv/etc data/srv/new; do
		symlinked srv "overlay:$SCRATCH/root:$upper"
		start c1
		assert_refused c1 "'$upper'"
		assert_outside_untouched "$upper:"
		rm -r "$LXCPATH/c1" "$LXCPATH/c1.log"
	done
}

testTmpfsThroughASymlinkThatLeavesTheContainerIsRefused() {
	container c1 "dir:$SCRATCH/root,ro" tmpfs:data/srv overlay:data/srv/delta
	cp -a "$(shared_root)" "$LXCPATH/c1/data"
	ln -s "$HERE/outside" "$LXCPATH/c1/data/srv"
	start c1
	assert_refused c1 "'data/srv'"
	assert_outside_untouched
}

testImageThatIsASymlinkAFifoOrADeviceIsRefused() {
	container c1 loop:data/image
	mkdir "$LXCPATH/c1/data"
	make_image outside/etc/image ext4 8
	outside=$(list_outside)
	ln -s "$HERE/outside/etc/image" "$LXCPATH/c1/data/image"
	start c1
	assert_refused c1 "'data/image'"
	assert_outside_untouched
	rm "$LXCPATH/c1/data/image" "$LXCPATH/c1.log"

	mkfifo "$LXCPATH/c1/data/image"
	start c1
	assert_refused c1 "'data/image' is not a regular file"
	rm "$LXCPATH/c1/data/image" "$LXCPATH/c1.log"

	mknod "$LXCPATH/c1/data/image" b 7 0
	start c1
	assert_refused c1 "'data/image' is not a regular file"
}

# --- the host name that is written inside ---

testTheHostNameIsWrittenNowhereButInside() {
	for _kind in etc-leads-out etc-leads-out-above file-leads-out second-name; do
		echo precious >outside/hostname
		rm -rf "${LXCPATH:?}/c1"
		mkdir -p "$LXCPATH/c1"
		cp -a "$(shared_root)" "$LXCPATH/c1/tree"
		container c1 dir:tree
		echo 'bdev.hostname = written' >>"$LXCPATH/c1/config"
		cd "$LXCPATH/c1/tree" || return
		case $_kind in
		etc-leads-out) mv etc etc.old && ln -s "$HERE/outside" etc ;;
		etc-leads-out-above) mv etc etc.old && ln -s ../../../outside etc ;;
		file-leads-out) rm -f etc/hostname && ln -s "$HERE/outside/hostname" etc/hostname ;;
		second-name) rm -f etc/hostname && ln "$HERE/outside/hostname" etc/hostname ;;
		esac
		cd "$HERE" || return
		start c1
		assertEquals "$_kind: $err" 0 "$status"
		stop c1
		assertEquals "$_kind" precious "$(cat outside/hostname)"
	done
}

# shellcheck source=/dev/null
. shunit2
