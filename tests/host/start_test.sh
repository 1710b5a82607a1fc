#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Every type on a complete LXC host: it starts, is written, reboots and stops, below AppArmor's profiles.
# shellcheck source=tests/host/lib.sh disable=SC2154
. "$(dirname -- "$0")/lib.sh"

IMAGES=$SCRATCH/images

oneTimeSetUp() {
	[ ! -d "$IMAGES" ] || return 0
	mkdir "$IMAGES"
	make_image "$IMAGES/root.img" ext4 32
	make_image "$IMAGES/root.sqfs" squashfs
	qemu-img convert -f raw -O qcow2 "$IMAGES/root.img" "$IMAGES/root.qcow2"
	tar -C "$(shared_root)" -cf "$IMAGES/root.tar" .
}

# works NAME KEPT - the container of that name starts, its writes survive a reboot, and a stop if KEPT is 1.
works() {
	start "$1"
	assert_status 0
	assertContains 'the profile' "$(cat "/proc/$(lxc info "$1" -pH)/attr/apparmor/current")" "lxc-$1"
	inside "$1" /bin/sh -c 'echo written >/root/new && cat /root/new /etc/marker'
	assertEquals 'written
base' "$out"
	assertTrue 'rebooted' "reboot '$1'"
	inside "$1" /bin/cat /root/new
	assertEquals 'after the reboot' written "$out"
	stop "$1"
	assertTrue "left behind: $(left_here)" 'eventually nothing_left_here'
	[ "$2" = 1 ] || return 0
	start "$1"
	assert_status 0
	inside "$1" /bin/cat /root/new
	assertEquals 'after the stop' written "$out"
	stop "$1"
	assertTrue "left behind: $(left_here)" 'eventually nothing_left_here'
}
left_here() {
	losetup --list --noheadings --output BACK-FILE
	find /run/lxc-bdev -mindepth 1
	pgrep -a '^@?qemu-nbd'
	grep -l . /sys/block/nbd*/pid 2>/dev/null
}
nothing_left_here() { [ -z "$(left_here)" ]; }

# destroyed NAME - with it goes what is its own, and nothing else.
destroyed() {
	run lxc-destroy -P "$LXCPATH" -n "$1"
	assert_status 0
	assertFalse 'its directory is left' "[ -e '$LXCPATH/$1' ]"
	assertTrue 'the shared images are' "[ -s '$IMAGES/root.img' ]"
}

# every_type - of the lxcpath that is set.
every_type() {
	cp -a "$(shared_root)" tree
	container dir "dir:$HERE/tree"
	container loop loop:own.img
	cp "$IMAGES/root.img" "$LXCPATH/loop/own.img"
	container nbd nbd:own.qcow2
	cp "$IMAGES/root.qcow2" "$LXCPATH/nbd/own.qcow2"
	container fuse nbd:own.qcow2,transport=fuse
	cp "$IMAGES/root.qcow2" "$LXCPATH/fuse/own.qcow2"
	container overlay "loop:$IMAGES/root.img,ro" overlay:delta
	container squashfs "loop:$IMAGES/root.sqfs,ro" "loop:$IMAGES/root.img,ro" overlay:delta
	container tmpfs "loop:$IMAGES/root.img,ro" tmpfs:.,size=16m overlay:delta
	"$LXC_BDEV" layer apply --store "$HERE/store" root "$IMAGES/root.tar" >/dev/null || fail 'layer apply'
	container layer "layer:root,store=$HERE/store" overlay:delta
	for name in dir loop nbd fuse overlay squashfs layer; do
		works "$name" 1
	done
	works tmpfs 0
	for name in dir loop nbd fuse overlay squashfs tmpfs layer; do
		destroyed "$name"
	done
}
testEveryTypeInTheDefaultLxcpath() {
	in_default_lxcpath
	every_type
}
testEveryTypeInAnotherLxcpath() { every_type; }

# shellcheck source=/dev/null
. shunit2
