#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# What the aufs graph driver got wrong, each once.
# shellcheck source=tests/lib.sh
. "$(dirname -- "$0")/lib.sh"

setUpEach() { store=$HERE/store; }
layer() { bdev layer --store "$store" "$@"; }
is_mounted() { mounts_here | grep -q -x -F "$store/mnt/$1"; }
# fill ID [OPTION...] - a layer with a file that has its name.
fill() {
	mkdir -p tree && echo "$1" >tree/file && tar -cf in.tar -C tree . && layer apply "$1" in.tar
	assert_status 0
}

testBug1NoGhostOfALayerWhoseParentIsMissing() {
	layer create a --parent nope
	assert_status 1
	assert_one_line "there is no layer 'nope'"
	layer exists a
	assert_status 1
	assertEquals '' "$(ls "$store/diff")$(ls "$store/layers")"
}

testBug1ADamagedRecordIsNoBaseLayer() {
	fill a
	layer create b --parent a
	printf 'a' >"$store/layers/b"
	layer get b
	assert_status 1
	assert_one_line "layer 'b': its record is damaged: it is cut off"
	printf 'c\na\n' >"$store/layers/b"
	layer get b
	assert_one_line "layer 'b' depends on 'c', which does not exist"
	printf '../a\n' >"$store/layers/b"
	layer get b
	assert_one_line 'its record is damaged'
}

testBug2GetOfAnUnknownLayerFails() {
	layer create a
	layer get b
	assert_status 1
	assert_one_line "there is no layer 'b'"
	assertEquals '' "$out"
}

testBug2AFailedMountIsNotCounted() {
	fill a
	echo 'in the way' >"$store/work/a"
	layer get a
	assert_status 1
	rm "$store/work/a"
	layer metadata a --json
	assertEquals '[]' "$(printf %s "$out" | jq -c .holders)"
	layer get a
	assert_status 0
	assertEquals a "$(cat "$out/file")"
	layer put a
}

testBug3PutBeforeGetChangesNothing() {
	fill a
	layer put a
	assert_status 1
	assert_one_line 'has no holder'
	layer get a
	assertEquals a "$(cat "$out/file")"
	layer put a
}

testBug4ABaseLayerThatWasGotIsRemovedWhole() {
	fill a
	layer get a
	assertNotEquals 'it is never handed out bare' "$store/diff/a" "$out"
	layer put a
	layer remove a
	assert_status 0
	assertEquals '' "$(find "$store" -name 'a*')"
}

testBug5WhatAnInterruptedRemovalLeftBlocksNothing() {
	fill a
	rm "$store/layers/a"
	mkdir -p "$store/diff/a-removing/x" "$store/mnt/a-removing"
	layer exists a
	assert_status 1
	layer create a
	assert_status 0
	assertEquals '' "$(ls -A "$store/diff/a")"
	layer remove a
	assert_status 0
	layer create a-removing
	assert_status 2
	assert_one_line 'not the id of a layer'
	layer cleanup
	assertEquals '' "$(ls "$store/diff")$(ls "$store/mnt")"
}

testBug6WhatIsUsedIsNotRemoved() {
	fill a
	layer create b --parent a
	layer remove a
	assert_status 1
	assert_one_line "layer 'b' depends on it"
	layer get b --holder h
	layer remove b
	assert_status 1
	assert_one_line "holder 'h'"
	layer put b --holder h
	layer remove b
	assert_status 0
}

testBug6AMountInAnotherNamespaceIsSeen() {
	fill a
	layer get a --holder h
	unshare -m --propagation private sleep 60 &
	_pid=$!
	eventually other_namespace
	layer put a --holder h
	assert_status 0
	layer remove a
	assert_status 1
	assert_one_line "mount namespace of process $_pid"
	layer get a --holder h
	assert_status 1
	kill $_pid
	wait $_pid 2>/dev/null
	eventually removed
	assert_status 0
}
other_namespace() { [ "$(readlink /proc/$_pid/ns/mnt)" != "$(readlink /proc/self/ns/mnt)" ] && [ "$(cat /proc/$_pid/comm)" = sleep ]; }
removed() { layer remove a && [ "$status" -eq 0 ]; }

testBug6AMountedLayerIsReadFromAnotherNamespaceToo() {
	fill a
	layer get a --holder h
	run unshare -m "$LXC_BDEV" layer --store "$store" remove a
	assert_status 1
	layer put a --holder h
}

testBug6AMountByAnotherPathOfTheStoreIsSeen() {
	fill a
	mkdir other
	mount --bind "$store" other
	bdev layer --store other get a --holder h
	rm "$store/holders/a/h"
	layer remove a
	assert_status 1
	assertContains "$err" "layer 'a' is in use"
	assertTrue "[ -e '$store/diff/a/file' ]"
	bdev layer --store other cleanup
	umount other
	layer remove a
	assert_status 0
}

testBug6AMountThatNoProcessSeesIsSeen() {
	fill a
	mkdir ns && touch ns/m
	mount --bind ns ns && mount --make-private ns
	# Only a namespace with a greater number than ours can be held so, and since Linux 6.18 each CPU counts its own.
	for cpu in $(seq 0 "$(($(nproc) - 1))"); do
		taskset -c "$cpu" unshare --mount=ns/m "$LXC_BDEV" layer --store "$store" get a --holder h 2>/dev/null && break
	done
	rm -r "$store/holders/a"
	layer remove a
	assert_status 1
	assert_one_line "layer 'a' is mounted in a mount namespace that no process is in"
	umount ns/m && umount ns
	layer remove a
	assert_status 0
}

testBug6AMountThatNobodyHoldsAnyMoreIsNotInTheWay() {
	fill a
	fill b
	layer get a --holder h
	layer get b --holder h
	rm -r "$store/holders/a" "$store/holders/b"
	layer remove a
	assert_status 0
	layer create c --parent b
	assert_status 0
	assertFalse is_mounted b
}

# What it shows must not change: so it is mounted read-only.
testBug6ALayerThatAnotherOverlayShowsIsNotWrittenTo() {
	fill a
	mkdir other m
	mount -t overlay -o "lowerdir=$store/diff/a:other" none m
	layer get a --holder h
	assert_status 0
	run touch "$out/new"
	assertContains "$err" 'Read-only file system'
	layer put a --holder h
	umount m
	layer get a --holder h
	run touch "$out/new"
	assert_status 0
}

# Else it would be mounted in all namespaces that see the store, and stay there.
testBug6AMountedLayerHasNoPeers() {
	fill a
	mount --bind "$HERE" "$HERE" && mount --make-shared "$HERE"
	layer get a --holder h
	assert_status 0
	assertEquals private "$(findmnt -n -o PROPAGATION "$store/mnt/a" | tail -n 1)"
	mkdir in
	mount -t tmpfs none "$store/mnt/a" 2>/dev/null && umount "$store/mnt/a"
	layer put a --holder h
	assert_status 0
	umount "$HERE"
}

testBug7NobodyGetsAPathBeforeItIsMounted() {
	fill a
	for _i in 1 2 3 4 5 6 7 8; do
		(_p=$("$LXC_BDEV" layer --store "$store" get a --holder h$_i) && cat "$_p/file" >seen$_i) &
	done
	wait
	assertEquals 8 "$(cat seen* | grep -c '^a$')"
	assertEquals 'one mount' 1 "$(mounts_here | wc -l)"
	for _i in 1 2 3 4 5 6 7 8; do layer put a --holder h$_i; done
	assert_status 0
	assertEquals '' "$(mounts_here)"
}

testBug8OneOfTwoHoldersDoesNotUnmountForTheOther() {
	fill a
	layer get a --holder h1
	layer get a --holder h2
	layer put a --holder h1
	assert_status 0
	assertEquals a "$(cat "$store/mnt/a/file")"
	layer put a --holder h1
	assert_status 1
	assertTrue 'still mounted' 'is_mounted a'
	layer put a --holder h2
	assertFalse 'unmounted' 'is_mounted a'
}

testBug9ChangesAreThoseOfTheLayersAlone() {
	mkdir -p one/d two/d two/s
	echo x >one/d/x
	ln -s /etc one/s
	touch two/d/.wh..wh..opq two/d/new two/s/passwd
	tar -cf 1.tar -C one . && tar -cf 2.tar -C two .
	layer apply a 1.tar
	layer apply b 2.tar --parent a
	layer changes b
	assertEquals "$(printf 'C /d\nA /d/new\nD /d/x\nC /s\nA /s/passwd')" "$(printf '%s\n' "$out" | sort -k 2)"
}

# Tars have times with fractions or without, whoever made them.
testBug9ADirectoryWhoseTimeLostItsFractionIsTheSame() {
	mkdir -p one/d
	echo x >one/d/x
	touch -d @1000000000.5 one/d
	tar --format=pax -cf 1.tar -C one .
	touch -d @1000000001 one/d/x
	touch -d @1000000000 one/d
	tar -cf 2.tar -C one d
	touch -d @1000000000.25 one/d
	tar --format=pax -cf 3.tar -C one d
	layer apply a 1.tar
	layer apply b 2.tar --parent a
	layer apply c 3.tar --parent a
	layer changes b
	assertEquals 'C /d/x' "$out"
	layer changes c
	assertEquals "$(printf 'C /d\nC /d/x')" "$out"
}

testBug10ADiffIsWholeOrFails() {
	mkdir one
	echo x >one/x
	ln -s target one/link
	tar -cf 1.tar -C one .
	layer apply a 1.tar
	run strace -o /dev/null -e trace=readlinkat -e inject=readlinkat:error=EIO \
		"$LXC_BDEV" layer --store "$store" diff a --output out.tar
	assert_status 1
	assert_one_line link
	assertFalse 'a file' '[ -e out.tar ]'
}

testBug10WhiteoutsAreRegularFilesInATar() {
	fill a
	layer create b --parent a
	mkdir -p two
	touch two/.wh.file two/.wh.other
	tar -cf 2.tar -C two .
	layer apply b 2.tar
	layer diff b --output out.tar
	assert_status 0
	assertEquals 0 "$(tar tvf out.tar | grep -c '^h')"
	assertEquals '' "$(tar tf out.tar | grep -F .wh..wh.)"
}

testBug11AnApplyIsWholeOrNothingAndOnce() {
	fill a
	layer apply a in.tar
	assert_status 1
	assert_one_line 'exists, and is not empty'
	assertEquals file "$(ls "$store/diff/a")"
}

testBug11ADirectoryThatWasMadeAgainIsSeenOnAufsToo() {
	mkdir -p two/d two/.wh..wh.plnk
	touch two/d/new two/.wh..wh.aufs two/.wh..wh.plnk/1.2
	mkdir one one/d
	touch one/d/old
	tar -cf 1.tar -C one .
	# The whiteout first, as Docker wrote it; it means the layer below.
	touch two/.wh.d
	tar -cf 2.tar -C two .wh.d d .wh..wh.aufs .wh..wh.plnk
	layer --driver aufs apply a 1.tar
	layer apply b 2.tar --parent a
	assert_status 0
	assertFalse 'a whiteout hides what it has' "[ -e '$store/diff/b/.wh.d' ]"
	assertTrue 'it is opaque' "[ -e '$store/diff/b/d/.wh..wh..opq' ]"
	assertFalse 'plnk' "[ -e '$store/diff/b/.wh..wh.plnk' ]"
}

testBug12HolesAreNotCounted() {
	mkdir one
	truncate -s 100M one/holes
	tar --sparse -cf 1.tar -C one .
	layer apply a 1.tar
	layer diffsize a
	assert_status 0
	assertTrue "size: $out" "[ '$out' -lt 100000 ]"
}

testBug13AnyPathCanHaveAStore() {
	store="$HERE/a:b,c=d \\e"
	fill a
	layer create b --parent a
	layer get b
	assert_status 0
	assertEquals a "$(cat "$out/file")"
	layer put b
	assert_status 0
	layer get b
	layer remove b
	assert_status 1
	layer put b
}

testBug13AnIdIsNoPath() {
	layer create a
	for _id in '' . .. ../x a/b '
' '-x' 'a:b' 'a,b' 'a b' "$(printf '%129s' '' | tr ' ' x)"; do
		for _verb in create get put remove metadata 'create z --parent'; do
			# shellcheck disable=SC2086 # several words
			layer $_verb -- "$_id"
			assertNotEquals "$_verb '$_id'" 0 "$status"
		done
	done
	layer list
	assertEquals 1 "$(printf '%s\n' "$out" | wc -l)"
}

testBug14TheLimitIsSaidByNumber() {
	layer create l1
	(cd "$store" && seq 2 502 | sed 's/^/l/' | (cd diff && xargs mkdir -m 755) &&
		awk 'BEGIN { for (i = 2; i <= 502; i++) for (k = i - 1; k >= 1; k--) print "l" k >("layers/l" i) }')
	layer get l502
	assert_status 1
	assert_one_line 501 500 squash
	assertEquals '' "$(mounts_here)"
}

testBug15NothingIsMadeWhereOthersMayWrite() {
	fill a
	run strace -f -s 4096 -o trace -e trace=file "$LXC_BDEV" layer --store "$store" get a --holder h
	assert_status 0
	# Wherever the program and the store lie: only what is beside them counts, and not the way to them.
	assertEquals '' "$(sed "s|\"$ROOT/|\"|g; s|\"$HERE|\"|g" trace | grep -v ' readlink(' | grep -e '"/tmp' -e '"/var/tmp' -e '"/dev/shm')"
	layer put a --holder h
}

testBug16WhatTheKernelLacksIsSaid() {
	grep -qw aufs /proc/filesystems && skip 'this kernel has aufs' && return
	layer --driver aufs create a
	layer get a
	assert_status 3
	assert_one_line 'aufs'
	layer metadata a --json
	assertEquals '[]' "$(printf %s "$out" | jq -c .holders)"
	layer remove a
	assert_status 0
}

testBug17CleanupUnmountsWhatNobodyHoldsAndNothingElse() {
	for _id in held dead; do
		mkdir -p tree/held tree/dead
		tar -cf in.tar -C tree .
		layer apply $_id in.tar
	done
	layer get held --holder h
	mkdir -p inside
	mount --bind inside "$store/mnt/held/dead"
	sh -c '"$0" layer --store "$1" get dead >/dev/null; true' "$LXC_BDEV" "$store"
	assertTrue 'mounted' 'is_mounted dead'
	layer cleanup
	assert_status 0
	assertFalse 'unmounted' 'is_mounted dead'
	assertTrue 'mounted' 'is_mounted held'
	assertTrue 'mounted' 'is_mounted held/dead'
	umount "$store/mnt/held/dead"
	layer put held --holder h
}

testALockThatTheFileSystemLacksEndsInOneLine() {
	fill a
	run timeout 20 strace -o /dev/null -e trace=flock -e inject=flock:error=ENOLCK \
		"$LXC_BDEV" layer --store "$store" apply b in.tar
	assert_status 1
	assert_one_line 'No locks available'
}

testASquashHasNoWhiteoutsBelowAnOpaqueDirectory() {
	layer create a
	layer create b --parent a
	layer create c --parent b
	mkdir -p "$store/diff/a/d/e/f" "$store/diff/b/d/e" "$store/diff/c/d/e"
	touch "$store/diff/b/d/e/gone"
	setfattr -n trusted.overlay.opaque -v y "$store/diff/b/d"
	mknod "$store/diff/c/d/e/gone" c 0 0
	layer squash b..c s
	assert_status 0
	layer check
	assertEquals '' "$out"
}

testASymlinkInPlaceOfTheHoldersIsNotWrittenThrough() {
	layer create a
	echo precious >precious
	rm -f "$store/holders/a"
	ln -s "$HERE/precious" "$store/holders/a"
	layer get a --holder h
	assert_status 1
	assertEquals precious "$(cat precious)"
	rm "$store/holders/a"
	layer get a --holder h
	assert_status 0
	layer put a --holder h
}

testAFifoInPlaceOfARecordHangsNothing() {
	mkdir in && tar -C in -cf in.tar .
	for _place in layers info holders; do
		rm -rf "$store"
		layer apply a in.tar
		layer get a --holder h
		layer put a --holder h
		rm -rf "${store:?}/$_place/a"
		mkfifo "$store/$_place/a"
		for _verb in list check 'get a --holder h' 'put a --holder h' 'create b --parent a' 'diff a --output out' 'remove a'; do
			# shellcheck disable=SC2086 # a verb and its arguments
			run timeout 5 "$LXC_BDEV" layer --store "$store" $_verb
			assertTrue "$_place: $_verb: $status" "[ $status -lt 124 ]"
		done
	done
}

testADriverThatSaysNothingIsNoDriver() {
	layer create a
	: >"$store/driver"
	layer list
	assert_status 1
	assert_one_line 'Invalid argument'
	rm "$store/driver"
	mkfifo "$store/driver"
	run timeout 20 "$LXC_BDEV" layer --store "$store" list
	assert_status 1
}

testAttributesOfAnOverlayInsideAreLeftOut() {
	fill a
	setfattr -n trusted.overlay.overlay.opaque -v y "$store/diff/a"
	setfattr -n trusted.overlay.overlay.origin "$store/diff/a/file"
	setfattr -n user.overlay.opaque -v y "$store/diff/a"
	layer diff a --output out.tar
	assert_status 0
	assert_one_line 'left out 2 attributes of overlays that were mounted inside'
	assertEquals 0 "$(grep -c -a trusted.overlay out.tar)"
	layer check
	assert_status 0
}

testAHolderThatGetsAgainKeepsWhatItHas() {
	fill a
	layer get a --holder h
	run strace -o /dev/null -e trace=write -P "$store/holders/a/h" -e inject=write:signal=KILL \
		"$LXC_BDEV" layer --store "$store" get a --holder h
	layer check
	assert_status 0
	layer put a --holder h
	assert_status 0
}

testASymlinkInAStoreIsNotFollowed() {
	fill a
	mkdir elsewhere
	for _dir in stage holders info; do
		mv "$store/$_dir" kept
		ln -s "$PWD/elsewhere" "$store/$_dir"
		layer apply b in.tar
		assert_status 1
		assert_one_line "'$store/$_dir' is not a directory"
		rm "$store/$_dir"
		mv kept "$store/$_dir"
	done
	assertEquals '' "$(ls elsewhere)"
}

testADirectoryWithAStoreInItIsNone() {
	mkdir -p top/diff/mine
	store=$HERE/top/layers
	layer create a
	store=$HERE/top
	for _verb in list cleanup check; do
		layer $_verb
		assert_status 1
		assert_one_line "is not a layer store; is it '$HERE/top/layers'?"
	done
	layer create b
	assert_one_line 'is not a layer store, and not empty'
	rm -f top/lock
	assertEquals "$(printf 'diff\nlayers')" "$(ls top)"
}

. shunit2
