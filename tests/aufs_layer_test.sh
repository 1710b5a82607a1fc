#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# A layer store in the form of aufs: how its layers are mounted.
# shellcheck source=tests/lib.sh
. "$(dirname -- "$0")/lib.sh"
# shellcheck source=tests/aufs.sh
. "$(dirname -- "$0")/aufs.sh"

# with_store - a store with the layers one and two, and what a mount of two is told.
with_store() {
	bdev layer --store store --driver aufs create one
	assert_status 0
	bdev layer --store store --driver aufs create two --parent one
	assert_status 0
	echo 1 >store/diff/one/of-one
	stage="$HERE/store/stage"
}
layer() { # on a kernel with a fake of aufs
	mkdir -p fake "$(printf 'fake/up\001si=feed')" fake/work
	see_as "$(printf 'lowerdir=%s/store/diff/one,upperdir=%s/fake/up\001si=feed,workdir=%s/fake/work' "$HERE" "$HERE" "$HERE")" \
		"$LXC_BDEV" layer --store store "$@"
	calls=$(sed "/^branch /d; s|$stage|STAGE|g" calls)
}

testALayerIsMountedWithAllBelowIt() {
	with_store
	echo "$(proc_boot_id) 1" >/run/lxc-bdev/.aufs-dirperm1
	branches "$stage/0/diff/two=rw" "$stage/0/diff/one=ro+wh"
	layer get two --holder me
	assert_status 0
	assertEquals "$HERE/store/mnt/two" "$out"
	assertEquals 'mount br=0/diff/two=rw:0/diff/one=ro+wh,dio,acl,xino=xino.2,dirperm1' "$calls"
	assertEquals 'it is mounted' 1 "$(cat store/mnt/two/of-one)"
	layer put two --holder me
	assert_status 0
	assertFalse 'it is not' '[ -e store/mnt/two/of-one ]'
}
proc_boot_id() { cat /proc/sys/kernel/random/boot_id; }

testALayerBelowOthersIsMountedReadOnly() {
	with_store
	echo "$(proc_boot_id) 1" >/run/lxc-bdev/.aufs-dirperm1
	branches "$stage/0/diff/one=ro+wh"
	layer get one --holder me
	assert_status 0
	assertEquals 'mount ro br=0/diff/one=ro+wh,dio,acl,xino=xino.2,dirperm1' "$calls"
	layer put one --holder me
	assert_status 0
}

# --- one tar, one tree ---

# changes N - the directory n is what the N-th tar has: what is opaque twice, files below directories, and all in each other.
changes() {
	mkdir n
	case $1 in
	1)
		mkdir -p n/twice/sub n/swap/deep n/plain n/gone/x
		touch n/twice/a n/twice/b n/twice/sub/one n/swap/old n/swap/deep/old n/plain/kept n/plain/away n/gone/x/y
		;;
	2)
		mkdir -p n/twice/sub n/gone
		touch n/twice/.wh..wh..opq n/twice/c n/twice/d n/twice/sub/two n/swap n/.wh.gone n/gone/new
		;;
	3)
		mkdir -p n/twice/sub n/swap/deep n/plain n/gone
		touch n/twice/.wh..wh..opq n/twice/e n/twice/sub/three n/swap/new n/swap/deep/new n/plain/.wh.away
		touch n/gone/.wh..wh..opq n/gone/newer
		;;
	4)
		mkdir -p n/twice/sub n/plain
		touch n/.wh.twice n/twice/f n/plain/more
		;;
	esac
	tar -C n -cf "$1.tar" . && rm -r n
}
overlay_shows() { # STORE LAYER
	bdev layer --store "$1" get "$2" --holder me
	(cd "$1/mnt/$2" && find . -mindepth 1 \( -type d -printf 'd %P\n' -o -printf 'f %P\n' \) | sort -k 2)
	bdev layer --store "$1" put "$2" --holder me
}
# aufs_shows LAYER... - uppermost first
aufs_shows() {
	# shellcheck disable=SC2046 # a word each
	set -- $(printf 'aufs/diff/%s ' "$@")
	"$ROOT/build/tests/tools/aufs-show" "$@" | sort -k 2
}

testOneTarIsOneTreeOnAufsOnOverlayAndSquashed() {
	layers='' parent=''
	for n in 1 2 3 4; do
		changes $n
		for driver in aufs overlay; do
			bdev layer --store $driver --driver $driver apply l$n $n.tar ${parent:+--parent $parent}
			assert_status 0
		done
		parent=l$n
		layers="l$n $layers"
		overlay_shows overlay l$n >overlay.$n
		# shellcheck disable=SC2086 # a list
		assertEquals "after tar $n" "$(cat overlay.$n)" "$(aufs_shows $layers)"
		bdev layer --store aufs check
		assertEquals "check: $err" "0 " "$status $out"
	done
	assertContains 'the test is one' "$(cat overlay.3)" 'f twice/e'
	assertNotContains "$(cat overlay.3)" twice/c
	for driver in aufs overlay; do
		bdev layer --store $driver squash l2..l4 s
		assert_status 0
		bdev layer --store $driver squash l3..l4 t
		assert_status 0
	done
	assertEquals 'squashed to two' "$(cat overlay.4)" "$(aufs_shows s l1)"
	assertEquals 'squashed to three' "$(cat overlay.4)" "$(aufs_shows t l2 l1)"
	assertEquals 'overlay, squashed to two' "$(cat overlay.4)" "$(overlay_shows overlay s)"
	assertEquals 'overlay, squashed to three' "$(cat overlay.4)" "$(overlay_shows overlay t)"
	# And the tar of a layer says no more than the one that it was made of.
	bdev layer --store aufs diff l3 --output a.tar
	bdev layer --store overlay diff l3 --output o.tar
	assertEquals 'written again' "$(tar -tf o.tar | sort)" "$(tar -tf a.tar | sort)"
}

# shellcheck source=/dev/null
. shunit2
