#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# An overlay on an aufs crashes the kernel at the first read of a file: it is refused before anything is mounted, whatever
# way leads to it; and what stands on an aufs root is an aufs over its branches.
# shellcheck disable=SC2016 # shunit2 expands what is in single quotes
# shellcheck source=tests/lib.sh
. "$(dirname -- "$0")/lib.sh"
# shellcheck source=tests/aufs.sh
. "$(dirname -- "$0")/aufs.sh"

spec_of() { printf '%s' "$1" | sed 's/ /\\ /g'; }
# base NAME - a container with an aufs root.
base() {
	mkdir -p "$LXCPATH/$1/delta" "$LXCPATH/$1/low"
	container "$1" "dir:$(spec_of "$(shared_root)"),ro" aufs:low:delta,xino=ino
}
planned() { # NAME
	bdev plan -P "$LXCPATH" -n "$1"
}

# --- what is refused ---

testHostDirectoriesOnAnAufsAreRefusedBelowAnOverlay() {
	foreign m2 "$HERE/c=rw"
	mkdir m2/d
	for specs in 'dir:m2,ro overlay:up' 'dir:m2/d overlay:up' 'dir:a,ro dir:m2,ro overlay:up'; do
		# shellcheck disable=SC2086 # several specs
		see "$LXC_BDEV" mount $specs m
		assert_status 1
		assert_one_line 'an overlay on an aufs crashes the kernel'
	done
	see "$LXC_BDEV" mount overlay:m2/d:a:up m
	assert_status 1
	assert_one_line "lower 'm2/d' lies on an aufs, and an overlay on an aufs crashes the kernel"
	see "$LXC_BDEV" mount overlay:a:m2/d m
	assert_status 1
	assert_one_line "upper 'm2/d' lies on an aufs"
	see "$LXC_BDEV" mount dir:a,ro aufs:b overlay:up m
	assert_status 1
	assert_one_line "lower layer 'aufs:b' is an aufs or lies on one"
	assertFalse 'nothing was made' '[ -e up ]'
	# Alone it is bound.
	see "$LXC_BDEV" mount dir:m2 m
	assert_status 0
	bdev umount m
	umount m2
}

# Planning has looked, but the directory may be another one by then: overlay is not told of it.
testOverlayIsNeverToldOfAnAufs() {
	bdev layer --store store create one
	bdev layer --store store create two --parent one
	mkdir -p fake/low "$(printf 'fake/up\001si=feed')" fake/work
	mount -t overlay lxc-b -o "$(printf 'lowerdir=%s,upperdir=%s/fake/up\001si=feed,workdir=%s/fake/work' "$HERE/store/diff/one" "$HERE" "$HERE")" store/diff/one
	see "$LXC_BDEV" layer --store store get two --holder me
	assert_status 1
	assert_one_line 'a layer lies on an aufs, and an overlay on an aufs crashes the kernel'
	see "$LXC_BDEV" mount "layer:two,store=$(spec_of "$HERE/store")" overlay:up m
	assert_status 1
	assert_one_line 'an overlay on an aufs crashes the kernel'
	umount store/diff/one
}

testTheUnionOfAContainerOnAnAufsIsAnAufs() {
	base b
	container c1 "container:$(spec_of "$LXCPATH/b")" overlay:up
	planned c1
	assert_status 1
	assert_one_line "lower layer 'aufs:low:delta,xino=ino' has whiteouts in aufs format, which overlay cannot read; use aufs here, too" \
		'lxc-bdev convert -n NAME overlay'
	container c1 "container:$(spec_of "$LXCPATH/b")" aufs:up
	planned c1
	assert_status 0
	assertContains "$out" "mount aufs: 3 lowers, upper 'up'"
	# The kernel is told of all branches, with their whiteouts, from the uppermost on.
	told "container:$(spec_of "$LXCPATH/b")" aufs:up,dirperm1=off
	assertEquals 'mount("lxc-bdev", "STAGE/3", "aufs", 0, "br=HERE/up=rw:2=ro+wh:1=ro+wh:0=ro+wh,dio,acl,xino=xino.4")' \
		"$(printf '%s\n' "$calls" | head -n 1)"
}

testAContainerOnAnAufsAlone() {
	base b
	container c1 "container:$(spec_of "$LXCPATH/b")"
	planned c1
	assert_status 0
	assertContains "$out" 'mount aufs: 3 lowers, no upper, read-only'
	assertNotContains "$out" overlay
}

testAnUpperThatIsOfOneRunIsNotShown() {
	base b
	sed -i 's/aufs:low:delta,xino=ino/tmpfs:.\nbdev.rootfs = aufs:low:delta/' "$LXCPATH/b/config"
	container c1 "container:$(spec_of "$LXCPATH/b")" aufs:up
	planned c1
	assert_status 0
	assertContains "$out" "mount aufs: 2 lowers, upper 'up'"
}

# --- clones ---

testLxcsOwnOverlayOnAnAufsIsRefusedWhenItIsMade() {
	base b
	for how in -s -e; do
		run lxc-copy -P "$LXCPATH" -n b -N c1 "$how" -o "$HERE/copy.log" -l DEBUG
		assertNotEquals "lxc-copy $how" 0 "$status"
		assertContains "$(grep -o 'lxc-bdev: .*' copy.log)" "cannot create clone 'c1': LXC would put an overlay on an aufs, which crashes the kernel"
		assertFalse 'the clone is gone' '[ -e "$LXCPATH/c1" ]'
	done
	run lxc-destroy -P "$LXCPATH" -n b
	assert_status 0
}

# One that was made before: its start would crash the kernel, too.
testLxcsOwnOverlayOnAnAufsIsRefusedAtItsStart() {
	container c1 "dir:$(spec_of "$(shared_root)"),ro" aufs:low:delta
	mkdir -p "$LXCPATH/c1/low" "$LXCPATH/c1/delta" "$LXCPATH/c1/delta0"
	sed -i "s|^lxc.rootfs.path.*|lxc.rootfs.path = overlay:$LXCPATH/c1/rootfs:$LXCPATH/c1/delta0|" "$LXCPATH/c1/config"
	planned c1
	assert_status 1
	assert_one_line 'LXC mounts an overlay above it (lxc-copy -s and -e), and an overlay on an aufs crashes the kernel'
}

testALinkedCloneOfAnAufsIsAnAufs() {
	base b
	echo 'bdev.clone = link' >>"$LXCPATH/b/config"
	run lxc-copy -P "$LXCPATH" -n b -N c1
	assert_status 0
	assertEquals "bdev.rootfs = container:$LXCPATH/b
bdev.rootfs = aufs:delta0" "$(grep '^bdev.rootfs' "$LXCPATH/c1/config")"
	planned c1
	assert_status 0
	assertContains "$out" 'mount aufs: 3 lowers'
	run lxc-copy -P "$LXCPATH" -n c1 -N c2 -s
	assertNotEquals 'nor an overlay on that' 0 "$status"
}

testAnEphemeralOfAnAufsIsAnAufs() {
	base b
	run strace -f -o trace -e trace=openat,write -s 3000 "$LXC_BDEV" ephemeral -P "$LXCPATH" -n b -N e1
	assertNotEquals 'there is no aufs' 0 "$status"
	assertContains "$(grep 'bdev.rootfs' trace)" 'aufs:delta0'
	assertNotContains "$(grep 'bdev.rootfs' trace)" 'overlay:delta0'
}

# shellcheck source=/dev/null
. shunit2
