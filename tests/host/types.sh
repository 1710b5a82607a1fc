# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh disable=SC2154
#
# host/types.sh - a container of each type on a complete LXC host, and what it must do. Source it after host/lib.sh.

IMAGES=$SCRATCH/images

oneTimeSetUp() {
	[ ! -d "$IMAGES" ] || return 0
	mkdir "$IMAGES"
	make_image "$IMAGES/root.img" ext4 32
	make_image "$IMAGES/root.sqfs" squashfs
	qemu-img convert -f raw -O qcow2 "$IMAGES/root.img" "$IMAGES/root.qcow2"
	tar -C "$(shared_root)" -cf "$IMAGES/root.tar" .
}

# works NAME PROFILE - the container of that name starts in that profile, its writes survive a reboot, and it stops.
works() {
	echo "$1, at $(cut -d ' ' -f 1 /proc/uptime) s"
	start "$1"
	assert_status 0
	assertContains 'the profile' "$(cat "/proc/$(lxc info "$1" -pH)/attr/apparmor/current")" "$2"
	inside "$1" /bin/sh -c 'echo written >/root/new && cat /root/new /etc/marker'
	assertEquals 'written
base' "$out"
	assertTrue 'rebooted' "reboot '$1'"
	inside "$1" /bin/cat /root/new
	assertEquals 'after the reboot' written "$out"
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

# every_type - a container of each type in $LXCPATH, named after it.
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
}
TYPES='dir loop nbd fuse overlay squashfs tmpfs layer'
