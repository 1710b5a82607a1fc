#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Which directories an aufs uses: every branch, and what lies in one or around one; and how that is asked, since a kernel
# with aufs may crash when it is asked of a mount that just goes.
# shellcheck source=tests/lib.sh
. "$(dirname -- "$0")/lib.sh"
# shellcheck source=tests/aufs.sh
. "$(dirname -- "$0")/aufs.sh"

convert() { see "$LXC_BDEV" convert overlay "$@"; }
assert_used() { # DIR... - none is converted, and nothing is changed.
	for _dir; do
		convert "$_dir"
		assert_status 1
		assert_one_line "is in use as a branch of an aufs ('$SI'); unmount that first"
		assertTrue "$_dir is as it was" "[ -f '$_dir/.wh.x' ]"
	done
}
converted() { # DIR
	convert "$1"
	assert_status 0
	assertTrue 'a whiteout of overlay' "[ -c '$1/x' ]"
}
delta() { mkdir -p "$1" && : >"$1/.wh.x"; }

testEveryBranchIsInUse() {
	for d in up low lowest free; do delta $d; done
	foreign m "$HERE/up=rw" "$HERE/low=ro+wh" "$HERE/lowest=ro"
	assert_used up low lowest
	converted free
	assertNotContains 'each time held' "$calls" 'not held'
	assertContains "$calls" 'branch held'
	umount m
	rm -r "$SI"
	converted low
}

testWhatLiesInABranchOrAroundOneIsInUse() {
	delta base/low/in/deep
	delta base/low
	delta base
	delta base2
	foreign m "$HERE/base/low=ro+wh"
	assert_used base base/low base/low/in/deep
	converted base2
	umount m
}

testABranchByAnotherPathIsInUse() {
	delta base/low
	mkdir there
	mount --bind base there
	ln -s there link
	foreign m "$HERE/there/low=ro"
	assert_used base/low there/low
	umount m
	branches "$HERE/link/low=ro"
	rm -rf "$SI"
	foreign m "$HERE/link/low=ro"
	assert_used base/low
	umount m there
}

# In a mount namespace where the path leads elsewhere than here.
testABranchInAnotherNamespaceIsInUse() {
	delta low
	mkdir there up
	foreign m "$HERE/there=ro"
	unshare -m --propagation private sh -c "mount --bind low there && : >ready && exec sleep 60" &
	holder=$!
	eventually [ -e ready ]
	umount m
	convert low
	assert_status 1
	assert_one_line "'$HERE/low' is in use "
	kill "$holder"
	wait "$holder" 2>/dev/null
	eventually gone_from_all
	rm -r "$SI"
	converted low
}
gone_from_all() { ! grep -qs "$(printf '\001si=feed')" /proc/[0-9]*/mountinfo; }

testAnAufsWhoseMountsCannotBeOpenedMayUseAll() {
	delta free
	foreign m "$HERE/a=ro"
	mount -t tmpfs over m
	convert free
	assert_status 1
	assert_one_line "in use by an unknown user: the branches of the aufs '$SI' cannot be read: none of its mounts can be opened"
	assertEquals 'it was not read' '' "$calls"
	umount m
	converted free
	umount m
}

testAKernelThatIsBusyIsAskedAgain() {
	delta low
	delta lowest
	foreign m "$HERE/a=rw" "$HERE/low=ro+wh" "$HERE/lowest=ro+wh"
	export FAKE_BUSY=2
	assert_used low lowest
	# For good.
	FAKE_BUSY=1000000
	convert low
	assert_status 1
	assert_one_line "the branches of the aufs '$SI' cannot be read: Device or resource busy"
	unset FAKE_BUSY
	umount m
}

# The branch of a namespace that is gone has a path from the root of its mount.
testABranchOfANamespaceThatIsGoneIsInUse() {
	mkdir tmp
	mount -t tmpfs tmp tmp
	delta tmp/base/low
	foreign m '/base/low=ro+wh'
	assert_used tmp/base/low
	delta tmp/base
	assert_used tmp/base
	umount m
	rm -r "$SI"
	foreign m '/=ro+wh'
	assert_used tmp/base
	# Those of a mount of ours are known by its records.
	record '/elsewhere' 'aufs\t1\tsi_feed'
	converted tmp/base/low
	rm -r /run/lxc-bdev/fake.0
	umount m tmp
}

testTheRecordsOfARunningAufsCountForAllAround() {
	delta base/low
	delta base
	delta base/low/in
	record '/elsewhere' "aufs\t1\tsi_none\nlower\t1\t1:1-1\t$HERE/base/low"
	for d in base base/low base/low/in; do
		convert $d
		assert_status 1
		assert_one_line "'$HERE/$d' is in use as a lower by mount on '/elsewhere'"
	done
	rm -r /run/lxc-bdev/fake.0
}

testAStoreIsLookedAtAsAWhole() {
	mkdir -p store/layers store/diff store/mnt
	for id in l1 l2 l3; do
		delta store/diff/$id
		mkdir store/mnt/$id
	done
	: >store/layers/l1
	echo l1 >store/layers/l2
	printf 'l2\nl1\n' >store/layers/l3
	foreign m "$HERE/store/diff/l3=ro"
	see "$LXC_BDEV" convert overlay store
	assert_status 1
	for id in l1 l2 l3; do assertTrue "$id is as it was" "[ -f store/diff/$id/.wh.x ]"; done
	see "$LXC_BDEV" layer import --aufs="$HERE/store" --driver=overlay
	assert_status 1
	assert_one_line "store/diff/l3' is in use as a branch of an aufs"
	for id in l1 l2 l3; do assertTrue "$id is as it was" "[ -f store/diff/$id/.wh.x ]"; done
	umount m
	rm -r "$SI"
	see "$LXC_BDEV" layer import --aufs="$HERE/store" --driver=overlay
	assert_status 0
}

# --- overlays of others ---

# An overlay that was mounted by the numbers of descriptors names those of a process that is gone.
testADescriptorOfAnotherProcessIsNotOurs() {
	delta free
	mkdir low up work
	# shellcheck disable=SC2016 # for the inner shell
	run sh -c 'exec 3<a 4<b 5<c 6<low 7<low 8<low; mount -t overlay lower -o lowerdir=/proc/self/fd/3:/proc/self/fd/4:/proc/self/fd/5 m && for i in 6 7 8; do :; done'
	if [ "$status" -ne 0 ]; then
		# shellcheck disable=SC2016
		run sh -c 'ln -s /proc/self/fd proc-fd; exec 3<a 4<b; mount -t overlay lower -o lowerdir=proc-fd/3:proc-fd/4 m'
	fi
	assertContains "$(grep "$HERE/m " /proc/self/mounts || cat /proc/self/mounts)" /proc/self/fd/3
	bdev convert overlay free
	assert_status 0
	umount m
}

# shellcheck source=/dev/null
. shunit2
