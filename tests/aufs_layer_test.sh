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

# shellcheck source=/dev/null
. shunit2
