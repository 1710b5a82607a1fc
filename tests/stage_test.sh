#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The private mount namespace in which stacks are built where overlay needs its layers attached (before Linux 6.15; a
# newer kernel is told to by LXC_BDEV_OVERLAY): nobody sees it, also where mounts propagate, and it may be in a chroot.
# shellcheck source=tests/lib.sh disable=SC2154
. "$(dirname -- "$0")/lib.sh"

setUpEach() {
	mkdir low target
	echo low >low/file
}

# A namespace whose mounts all propagate, and a peer of it that shows what leaks: shared_namespace SCRIPT
shared_namespace() {
	cat >script
	# shellcheck disable=SC2016
	run timeout 30 unshare --mount --propagation private sh -euc '
		mount --make-rshared /
		unshare --mount --propagation unchanged sh -c "echo ready >peer.ready; exec sleep 100" &
		peer=$!
		trap "kill $peer" EXIT
		until [ -s peer.ready ]; do sleep 0.02; done
		seen() { grep -e "/target " -e /run/lxc-bdev/ "/proc/$peer/mountinfo" | cut -d " " -f 5 | sed "s|.*/||" | tr "\n" " "; }
		. ./script'
}

# by_each_way FUNCTION - with each way that hands over layers from a stage.
by_each_way() {
	for LXC_BDEV_OVERLAY in string mount; do
		export LXC_BDEV_OVERLAY
		"$1"
	done
	unset LXC_BDEV_OVERLAY
}

check_propagation() {
	export LXC_BDEV
	shared_namespace <<-'EOS'
		before=$(seen)
		"$LXC_BDEV" mount dir:low,ro tmpfs:. overlay:upper target
		echo "mounted: $(seen)"
		touch target/file
		"$LXC_BDEV" umount target
		[ "$(seen)" = "$before" ] || echo "left: $(seen)"
	EOS
	assert_status 0
	assertEquals "$LXC_BDEV_OVERLAY: a peer sees the stack alone" 'mounted: target ' "$out"
}
testOnlyTheFinishedStackPropagates() { by_each_way check_propagation; }

# At its last call in the stage: what had been seen by a peer would stay there.
check_killed() {
	export LXC_BDEV
	shared_namespace <<-'EOS'
		before=$(seen)
		strace -o /dev/null -e inject=setns:signal=KILL "$LXC_BDEV" mount dir:low,ro tmpfs:. overlay:upper target || :
		[ "$(seen)" = "$before" ] || echo "leaked: $(seen)"
		"$LXC_BDEV" mount dir:low,ro tmpfs:. overlay:upper target
		cat target/file
		"$LXC_BDEV" umount target
	EOS
	assert_status 0
	assertEquals "$LXC_BDEV_OVERLAY: peers see nothing, the next mount works" low "$out"
}
testAStageThatIsKilledLeavesNothingWithPeers() { by_each_way check_killed; }

# make_chroot - in jail, which is not a mount; its /run is its own.
make_chroot() {
	mkdir -p jail/proc jail/dev jail/run jail/work
	cp "$LXC_BDEV" jail/lxc-bdev
	# What it is linked with, and the linker.
	ldd "$LXC_BDEV" | grep -o '/[^ ]*' | while read -r _library; do
		mkdir -p "jail$(dirname -- "$_library")"
		cp "$_library" "jail$_library"
	done
	mount --bind /dev jail/dev
	mount -t proc proc jail/proc
	mount -t tmpfs tmpfs jail/run
	mv low target jail/work
}
in_chroot() { run chroot jail /lxc-bdev "$@"; }

check_chroot() {
	for specs in 'dir:/work/low,ro tmpfs:. overlay:upper' 'overlay:/work/low:/work/upper'; do
		mkdir -p jail/work/upper
		# shellcheck disable=SC2086
		in_chroot mount $specs /work/target
		assertEquals "$LXC_BDEV_OVERLAY: $specs: $err" 0 "$status"
		assertEquals low "$(cat jail/work/target/file)"
		in_chroot umount /work/target
		assert_status 0
	done
	assertEquals 'mounts' 3 "$(grep -c /t/jail/ /proc/self/mountinfo)"
}
testWorksInAChroot() {
	make_chroot
	by_each_way check_chroot
	umount jail/dev jail/proc jail/run
}

testWorksInAChrootThatIsAMount() {
	mkdir jail
	mount -t tmpfs tmpfs jail
	make_chroot
	by_each_way check_chroot
	umount -R jail
}

testWhereItWasStartedIsWhereItRuns() {
	mkdir -p 'deep er/low' 'deep er/upper'
	cd 'deep er' || return
	for LXC_BDEV_OVERLAY in string mount; do
		export LXC_BDEV_OVERLAY
		bdev mount overlay:low:upper ../target
		assert_status 0
		bdev umount ../target
		assert_status 0
	done
	unset LXC_BDEV_OVERLAY
}

# The device would otherwise keep a mount that nobody can see: umount of the image's disk would not be refused.
testTheImageIsOfTheHostsMountNotOfTheStages() {
	mkdir disk
	mount -t tmpfs tmpfs disk
	make_image disk/i.img ext4 8 low
	for LXC_BDEV_OVERLAY in string mount; do
		export LXC_BDEV_OVERLAY
		for image in disk/i.img "$HERE/disk/i.img"; do
			bdev mount "loop:$image,ro" target
			assert_status 0
			assertEquals "$HERE/disk/i.img" "$(losetup --list --noheadings --output BACK-FILE | grep -F "$HERE/disk/i.img")"
			assertFalse "$image: its disk was taken off" 'umount disk 2>/dev/null'
			bdev umount target
			assert_status 0
		done
	done
	unset LXC_BDEV_OVERLAY
	assertTrue 'the disk can be taken off' 'eventually umount disk'
}

# shellcheck source=/dev/null
. shunit2
